//! What was said to the model and what it did, as events tell it: messages, requests, replies, tool calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Tokens, Usage, Usd};

/// See `Event::Surveyed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Surveyed {
    /// How many paths the repository has, as far as they were counted.
    pub paths: u64,
    /// What had to be cut, a sentence each, such as a long AGENTS.md.
    pub notes: Vec<String>,
}

/// See `Event::Message`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The JSON of the message exactly as it is sent, kept as text so that no byte moves.
    pub json: String,
}

/// See `Event::Request`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestSent {
    /// Counts the model's replies from 1.
    pub turn: u32,
    /// Counts attempts at this turn from 1.
    pub attempt: u32,
    /// Bytes of the body.
    pub bytes: u64,
    /// SHA-256 of the body's stone prefix (model, tools, messages).
    pub prefix_sha256: Digest,
    /// That prefix's length.
    pub prefix_bytes: u64,
    /// True when the body begins with the last request's stone prefix (law 5).
    pub prefix_kept: bool,
    /// The cap on output that went with it.
    pub max_completion_tokens: Tokens,
    /// Estimated input plus that cap.
    pub reserved_tokens: Tokens,
    /// The same at list price.
    pub reserved_usd: Usd,
}

/// See `Event::AttemptFailed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptFailed {
    /// The turn.
    pub turn: u32,
    /// The attempt that failed.
    pub attempt: u32,
    /// Milliseconds until the next one; `None` when the run gives up.
    pub wait_ms: Option<u64>,
    /// What failed, in one line.
    pub error: String,
    /// The provider's own words about it, or the transport's.
    #[serde(default)]
    pub said: String,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// What the budget is charged: the reservation when the provider may have billed it, else nothing.
    pub charged: Usage,
    /// The same at list price.
    pub charged_usd: Option<Usd>,
}

/// See `Event::HistoryRepaired`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryRepaired {
    /// The turn whose request was refused.
    pub turn: u32,
    /// What the host refused.
    pub cause: RepairCause,
    /// The messages that changed.
    pub messages: Vec<RepairedMessage>,
}

/// What in messages of the model a host refuses to take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepairCause {
    /// A call whose arguments are no JSON object, or whose name is none.
    BrokenCall,
    /// It asks for `reasoning_content` in messages that came without.
    ReasoningAsked,
    /// It takes no `reasoning_content`, and kcode had added empty ones.
    ReasoningRefused,
}

/// A message of the conversation as it is sent from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepairedMessage {
    /// Which: all messages of the conversation are counted from 0, those of runs before included.
    pub message: u64,
    /// What of it changed, for people.
    pub what: String,
    /// The JSON of the message in the place of the former.
    pub json: String,
}

/// See `Event::Reply`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplyReceived {
    /// The turn.
    pub turn: u32,
    /// As the provider said it: `stop`, `tool_calls`, `length`…
    pub finish_reason: String,
    /// Tokens.
    pub usage: Usage,
    /// True when the provider sent no usage and these are our estimates.
    pub usage_estimated: bool,
    /// At list price; `None` when the model's price is not known.
    pub cost_usd: Option<Usd>,
    /// Milliseconds from sending to the end of the reply.
    pub latency_ms: u64,
    /// Milliseconds to the first byte of the body.
    pub first_byte_ms: u64,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// SHA-256 of `reasoning_content`, when there was some.
    pub reasoning_sha256: Option<Digest>,
    /// SHA-256 of the message's JSON.
    pub message_sha256: Digest,
}

/// See `Event::ToolCalled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCalled {
    /// The turn.
    pub turn: u32,
    /// The call's id as the model gave it (may repeat across turns).
    pub id: String,
    /// The tool's name as the model gave it.
    pub tool: String,
    /// The arguments as the model gave them.
    pub arguments: String,
}

/// See `Event::ToolAnswered`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolAnswered {
    /// The turn.
    pub turn: u32,
    /// The call's id.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// False when the answer tells the model what was wrong.
    pub ok: bool,
    /// One line for people, such as `calc/core.py:12  −1 +1`.
    pub summary: String,
    /// Milliseconds.
    pub ms: u64,
    /// SHA-256 of the text; what the repeat guard compares.
    pub result_sha256: Digest,
}

/// See `Event::Nudged`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nudged {
    /// The turn after which it was said.
    pub turn: u32,
    /// `announced`, `repetition`, `tests_failed`, `truncated`…
    pub kind: String,
}

impl Nudged {
    /// True when a verification sent the model back to work.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        matches!(self.kind.as_str(), "tests_failed" | "checks_failed" | "tests_weakened")
    }
}
