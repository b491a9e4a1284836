//! One event of a stream, and the whole reply of a host that doesn't stream: the same object with other names.
//!
//! Every field is optional, unknown ones are skipped, and `null` means absent: hosts differ in all of these.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::usage::WireUsage;

/// A `chat.completion.chunk` or a `chat.completion`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    /// The completion's id: what support asks for when no header names the request.
    pub(super) id: Option<String>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<WireUsage>,
    /// An error may come inside a stream that began well.
    pub(super) error: Option<Value>,
}

/// Kimi gives one choice; others are skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    /// What a stream adds.
    pub(super) delta: Option<Delta>,
    /// What a whole reply is.
    pub(super) message: Option<Delta>,
    pub(super) finish_reason: Option<String>,
    /// Kimi's own place for it.
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<Value>,
}

/// A piece of the assistant message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    #[serde(deserialize_with = "text")]
    pub(super) content: Option<String>,
    /// Kimi's field.
    pub(super) reasoning_content: Option<String>,
    /// The field of newer vLLM, Together and OpenRouter.
    pub(super) reasoning: Option<String>,
    /// OpenRouter's structured form.
    pub(super) reasoning_details: Option<Vec<Value>>,
    pub(super) tool_calls: Option<Vec<CallDelta>>,
}

/// A piece of a tool call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionDelta>,
}

/// A piece of what is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionDelta {
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "json_text")]
    pub(super) arguments: Option<String>,
}

/// Text, or the text parts of an array of parts.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Array(parts) => {
            Some(parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect::<String>())
        }
        _ => None,
    })
}

/// Arguments are JSON as text; some hosts send the object itself.
fn json_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        object => Some(object.to_string()),
    })
}
