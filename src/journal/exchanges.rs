//! Events about the conversation with the model: messages, requests, replies, tool calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Tokens, Usage, Usd};

/// The survey of the repository, from which the first messages are made (event `surveyed`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Surveyed {
    /// Number of paths in the repository, as far as they were counted.
    pub paths: u64,
    /// What was cut, such as a long AGENTS.md; one sentence each.
    pub notes: Vec<String>,
}

/// A message of the conversation (event `message`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// JSON of the message as it is sent, kept as text so that it stays the same byte for byte.
    pub json: String,
}

/// A request to the model, recorded before it is sent (event `request`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestSent {
    /// Turn number, from 1: one per reply of the model.
    pub turn: u32,
    /// Attempt number within the turn, from 1.
    pub attempt: u32,
    /// Size of the body in bytes.
    pub bytes: u64,
    /// SHA-256 of the part of the body that never changes again (model, tools, messages).
    pub prefix_sha256: Digest,
    /// Length of that prefix in bytes.
    pub prefix_bytes: u64,
    /// True if the body begins with the last request's prefix (law 5).
    pub prefix_kept: bool,
    /// Limit on output tokens sent with the request.
    pub max_completion_tokens: Tokens,
    /// Estimated input tokens plus that limit.
    pub reserved_tokens: Tokens,
    /// `reserved_tokens` at list price.
    pub reserved_usd: Usd,
}

/// A failed attempt at a request (event `attempt_failed`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptFailed {
    /// Turn number.
    pub turn: u32,
    /// Attempt number.
    pub attempt: u32,
    /// Milliseconds until the next attempt; `None` if the run gives up.
    pub wait_ms: Option<u64>,
    /// The failure, in one line.
    pub error: String,
    /// The message of the provider or of the transport.
    #[serde(default)]
    pub said: String,
    /// HTTP status, if there was a response.
    pub status: Option<u16>,
    /// Tokens charged to the budget: the reservation if the provider may have billed the attempt, else none.
    pub charged: Usage,
    /// `charged` at list price.
    pub charged_usd: Option<Usd>,
}

/// A repair of messages that the host refused (event `history_repaired`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryRepaired {
    /// Turn whose request was refused.
    pub turn: u32,
    /// The reason of the refusal.
    pub cause: RepairCause,
    /// The repaired messages.
    pub messages: Vec<RepairedMessage>,
}

/// Why a host refuses messages that the model had written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepairCause {
    /// A tool call has arguments that are no JSON object, or an invalid name.
    BrokenCall,
    /// The host requires `reasoning_content` in messages that came without.
    ReasoningAsked,
    /// The host rejects `reasoning_content`; kcode had added empty ones.
    ReasoningRefused,
}

/// A message of the conversation as it is sent after the repair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepairedMessage {
    /// Index of the message, from 0, counting messages of earlier runs of the conversation.
    pub message: u64,
    /// What changed, for people.
    pub what: String,
    /// JSON of the message that replaces the former one.
    pub json: String,
}

/// A whole reply of the model (event `reply`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplyReceived {
    /// Turn number.
    pub turn: u32,
    /// Finish reason as the provider gave it: `stop`, `tool_calls`, `length`…
    pub finish_reason: String,
    /// Tokens of the request and the reply.
    pub usage: Usage,
    /// True if the provider sent no usage and kcode estimated it.
    pub usage_estimated: bool,
    /// Cost at list price; `None` if the model's price is unknown.
    pub cost_usd: Option<Usd>,
    /// Milliseconds from sending to the end of the reply.
    pub latency_ms: u64,
    /// Milliseconds until the first byte of the body.
    pub first_byte_ms: u64,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// SHA-256 of `reasoning_content`, if there was any.
    pub reasoning_sha256: Option<Digest>,
    /// SHA-256 of the message's JSON.
    pub message_sha256: Digest,
}

/// A tool call, recorded before it is made (event `tool_called`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCalled {
    /// Turn number.
    pub turn: u32,
    /// Id of the call as the model gave it; may repeat across turns.
    pub id: String,
    /// Name of the tool as the model gave it.
    pub tool: String,
    /// Arguments as the model gave them.
    pub arguments: String,
}

/// The answer to a tool call (event `tool_answered`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolAnswered {
    /// Turn number.
    pub turn: u32,
    /// Id of the call.
    pub id: String,
    /// Name of the tool.
    pub tool: String,
    /// False if the answer tells the model what was wrong.
    pub ok: bool,
    /// One line for people, such as `calc/core.py:12  −1 +1`.
    pub summary: String,
    /// Milliseconds the call took.
    pub ms: u64,
    /// SHA-256 of the answer's text; the repeat guard compares it.
    pub result_sha256: Digest,
}

/// A message that kcode itself added to the conversation (event `nudged`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nudged {
    /// Turn after which the message was added.
    pub turn: u32,
    /// Why: `announced`, `repetition`, `tests_failed`, `truncated`…
    pub kind: String,
}

impl Nudged {
    /// True if a verification sent the model back to work.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        matches!(self.kind.as_str(), "tests_failed" | "checks_failed" | "tests_weakened")
    }
}
