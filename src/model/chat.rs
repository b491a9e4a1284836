//! Requests, replies and tool calls, and the [`Model`] trait.

use std::future::Future;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::journal::{Digest, Tokens, Usage};

/// A request, ready to send: its bytes are final.
#[derive(Clone, Debug)]
pub struct Request {
    /// The complete JSON body.
    pub body: Box<RawValue>,
    /// SHA-256 of the prefix that the next request must begin with (model, tools, messages).
    pub prefix_sha256: Digest,
    /// The limit on output tokens in the body.
    pub max_completion_tokens: Tokens,
}

/// One call of a tool, as the model wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within its message only.
    pub id: String,
    /// The tool's name without the namespace and index that some hosts leave on it; may name no tool.
    pub name: String,
    /// Should be JSON, but may not be.
    pub arguments: String,
}

impl ToolCall {
    /// Reduces a name that is an id to the tool's: `functions.read_file:0` becomes `read_file`.
    pub(super) fn name_the_tool(&mut self) {
        if let Some(name) = super::leak::tool_in(&self.name) {
            self.name = name.to_owned();
        }
    }
}

/// An assistant message as received, with its parts parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssistantMessage {
    /// The message's JSON as it is appended to the conversation and sent back.
    pub json: String,
    /// `reasoning_content` (or the field that this provider uses); `Some("")` differs from `None`.
    pub reasoning: Option<String>,
    /// The visible text; empty when there was none.
    pub content: String,
    /// Sorted by index.
    pub tool_calls: Vec<ToolCall>,
}

impl AssistantMessage {
    /// Parses a message's JSON from a journal; `None` if it isn't an assistant message.
    #[must_use]
    pub fn recall(json: &str) -> Option<Self> {
        super::stream::message_of(json)
    }

    /// Whether the text ends in unreadable markup of a tool call, so that the reply can't be a final answer.
    #[must_use]
    pub fn ends_in_call_markup(&self) -> bool {
        self.tool_calls.is_empty() && super::leak::ends_in_markup(&self.content)
    }
}

/// A complete reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message that joins the conversation.
    pub message: AssistantMessage,
    /// As the provider sent it.
    pub finish_reason: String,
    /// `None` if the provider sent none.
    pub usage: Option<Usage>,
    /// The provider's id of the request, for its support and the journal.
    pub request_id: Option<String>,
    /// Time from sending to the first byte of the body.
    pub first_byte: Duration,
    /// Time from sending to the end of the body.
    pub elapsed: Duration,
}

/// Progress of a reply; shown live, never journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Characters of reasoning so far.
    Thinking(usize),
    /// Characters of visible text so far.
    Writing(usize),
    /// Characters of tool-call arguments so far.
    Calling(usize),
}

/// Answers requests: the HTTP client, or a script in tests.
pub trait Model {
    /// Sends one request, once. The planner retries, because each attempt draws on the budget.
    fn ask(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> impl Future<Output = Result<Reply, super::ModelError>> + Send;
}
