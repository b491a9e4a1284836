//! One event of a stream, or the whole reply of a host that doesn't stream: the same object under other names.
//!
//! Every field is optional and unknown ones are skipped. Hosts differ in the types of the rest, so each is read
//! leniently: a number as text, a float as a count, one object as a list of one. A field that can't be read counts as
//! absent, because a reply is paid for whatever its side fields hold; only what isn't a chat completion at all is an
//! error.

use serde_json::{Map, Value};

use super::surrogates;
use super::usage;
use crate::journal::Usage;

/// A `chat.completion.chunk` or a `chat.completion`.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The completion's id, for support if no header names the request.
    pub(super) id: Option<String>,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Usage>,
    /// An error inside a stream that began well.
    pub(super) error: Option<Value>,
}

/// One choice. Kimi sends one; others are skipped.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) index: u64,
    /// What this event of a stream adds.
    pub(super) delta: Option<Delta>,
    /// The whole message of a reply that isn't streamed.
    pub(super) message: Option<Delta>,
    pub(super) finish_reason: Option<String>,
    /// Kimi sends usage here.
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    /// Kimi's field.
    pub(super) reasoning_content: Option<String>,
    /// The field of newer vLLM, Together and OpenRouter.
    pub(super) reasoning: Option<String>,
    /// OpenRouter's structured form: a list, or one object.
    pub(super) reasoning_details: Option<Value>,
    pub(super) tool_calls: Vec<CallDelta>,
}

#[derive(Debug, Default)]
pub(super) struct CallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Chunk {
    /// Reads an event's data.
    ///
    /// # Errors
    /// A description of why it is no chunk.
    pub(super) fn read(json: &str) -> Result<Self, String> {
        match serde_json::from_str(&surrogates::mark(json)).map_err(|error| error.to_string())? {
            Value::Object(fields) => Self::of(fields),
            Value::Null => Ok(Self::default()),
            _ => Err("it is not an object".to_owned()),
        }
    }

    fn of(mut fields: Map<String, Value>) -> Result<Self, String> {
        let choices = match fields.remove("choices") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(choices)) => choices.into_iter().filter_map(Choice::of).collect(),
            Some(_) => return Err("its choices are not a list".to_owned()),
        };
        Ok(Self {
            id: word(fields.get("id")),
            choices,
            usage: fields.get("usage").and_then(usage::read),
            error: fields.remove("error").filter(says_something),
        })
    }
}

impl Choice {
    fn of(choice: Value) -> Option<Self> {
        let Value::Object(mut fields) = choice else { return None };
        Some(Self {
            index: number(fields.get("index")).unwrap_or(0),
            delta: fields.remove("delta").as_ref().and_then(Delta::of),
            message: fields.remove("message").as_ref().and_then(Delta::of),
            finish_reason: word(fields.get("finish_reason")),
            usage: fields.get("usage").and_then(usage::read),
            error: fields.remove("error").filter(says_something),
        })
    }
}

impl Delta {
    /// Reads a message object; `None` if it is no object.
    pub(super) fn of(delta: &Value) -> Option<Self> {
        let fields = delta.as_object()?;
        let field = |name| fields.get(name);
        Some(Self {
            content: field("content").and_then(text),
            reasoning_content: field("reasoning_content").and_then(text),
            reasoning: field("reasoning").and_then(text),
            reasoning_details: field("reasoning_details").filter(|it| it.is_array() || it.is_object()).cloned(),
            tool_calls: field("tool_calls").map(calls).unwrap_or_default(),
        })
    }
}

/// The pieces of calls in a list; a single piece may come without a list.
fn calls(value: &Value) -> Vec<CallDelta> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice);
    all.iter().filter(|call| call.is_object()).map(CallDelta::of).collect()
}

impl CallDelta {
    fn of(call: &Value) -> Self {
        let function = &call["function"];
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            // Arguments should be JSON as text; some hosts send the object itself.
            object => object.to_string(),
        };
        Self {
            index: number(call.get("index")),
            id: word(call.get("id")).unwrap_or_default(),
            name: word(function.get("name")).unwrap_or_default(),
            arguments,
        }
    }
}

/// Text, or the text parts of a list of parts; `None` for anything else.
fn text(value: &Value) -> Option<String> {
    let part = |part: &Value| part.as_str().or_else(|| part.get("text")?.as_str()).map(str::to_owned);
    match value {
        Value::Array(parts) => Some(parts.iter().filter_map(part).collect()),
        one => part(one),
    }
}

/// A name or an id: text that isn't empty, or a number as text.
fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An index: a whole number, possibly as text; `None` if negative.
fn number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && *float >= 0.0)?;
            Some(float as u64)
        }),
        _ => None,
    }
}

/// Whether an error has content: some hosts send an empty one with every chunk.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(code) => code.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(parts) => parts.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
    }
}
