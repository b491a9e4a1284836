//! The values that cross the wire, and the trait behind which the wire hides.

use std::future::Future;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::journal::{Digest, Tokens, Usage};

/// A request, ready to send: its bytes are final.
#[derive(Clone, Debug)]
pub struct Request {
    /// The whole JSON body.
    pub body: Box<RawValue>,
    /// SHA-256 of the prefix that the next request must begin with (model, tools, messages).
    pub prefix_sha256: Digest,
    /// The cap on output that the body carries.
    pub max_completion_tokens: Tokens,
}

/// One call of a tool, as the model wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within its message only.
    pub id: String,
    /// The tool, without the namespace and the number that some hosts leave on it; may be one that doesn't exist.
    pub name: String,
    /// Meant to be JSON; may not be.
    pub arguments: String,
}

impl ToolCall {
    /// Takes off its name what belongs to the call's id: `functions.read_file:0` is `read_file`.
    pub(super) fn name_the_tool(&mut self) {
        if let Some(name) = super::leak::tool_in(&self.name) {
            self.name = name.to_owned();
        }
    }
}

/// An assistant message as it came, with its parts read out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssistantMessage {
    /// The JSON that joins the conversation and is sent back from then on.
    pub json: String,
    /// `reasoning_content` (or the field this provider uses); `Some("")` differs from `None`.
    pub reasoning: Option<String>,
    /// The visible text; empty when there was none.
    pub content: String,
    /// In the order of their index.
    pub tool_calls: Vec<ToolCall>,
}

impl AssistantMessage {
    /// The message whose JSON a journal kept; `None` when it isn't an assistant's.
    #[must_use]
    pub fn recall(json: &str) -> Option<Self> {
        super::stream::message_of(json)
    }

    /// True when its text ends in the markup of a tool call that can't be read: whatever it says, it isn't the end.
    #[must_use]
    pub fn ends_in_call_markup(&self) -> bool {
        self.tool_calls.is_empty() && super::leak::ends_in_markup(&self.content)
    }
}

/// A whole reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message.
    pub message: AssistantMessage,
    /// As the provider said it.
    pub finish_reason: String,
    /// `None` when the provider sent none.
    pub usage: Option<Usage>,
    /// For support, and the journal.
    pub request_id: Option<String>,
    /// From sending to the first byte of the body.
    pub first_byte: Duration,
    /// From sending to the end.
    pub elapsed: Duration,
}

/// How far a reply is; shown live, never journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes of the provider arrive: this many characters of reasoning so far.
    Thinking(usize),
    /// Visible text: this many characters so far.
    Writing(usize),
    /// Arguments of tool calls: this many characters so far.
    Calling(usize),
}

/// Whoever answers requests: the client over HTTP, or a script in tests.
pub trait Model {
    /// Sends one request, once; retrying is the planner's, because each attempt draws on the budget.
    fn ask(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> impl Future<Output = Result<Reply, super::ModelError>> + Send;
}
