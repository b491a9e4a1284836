//! From the chunks of a stream to one assistant message: a state machine without input or output of its own.
//!
//! Kimi sends `reasoning_content` first, then `content` or the pieces of tool calls, then a `finish_reason`; usage
//! comes in one of three places. Other hosts name the reasoning differently, leave out indices or leak the markup of
//! tool calls into the text. The message's JSON is built once, here, and never again.

use serde_json::{Map, Value, json};

use super::chunk::{CallDelta, Choice, Chunk, Delta};
use super::{AssistantMessage, ErrorKind, ModelError, Progress, ToolCall, leak, reasoning::Reasoning, refusal};
use crate::journal::Usage;

/// A reply in the making.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// A choice came, so this is a chat completion at all.
    began: bool,
    reasoning: Reasoning,
    content: String,
    calls: Vec<PartialCall>,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    id: Option<String>,
    shown: Shown,
}

/// Characters counted for [`Progress`], so that no chunk makes us count all of it again.
#[derive(Debug, Default)]
struct Shown {
    thinking: usize,
    writing: usize,
    calling: usize,
}

/// What a finished stream came to.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) message: AssistantMessage,
    pub(super) finish_reason: String,
    pub(super) usage: Option<Usage>,
    pub(super) id: Option<String>,
}

#[derive(Debug)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Assembly {
    /// Takes the next chunk; says what grew.
    ///
    /// # Errors
    /// The error that the provider sent inside the stream.
    pub(super) fn push(&mut self, chunk: Chunk) -> Result<Option<Progress>, ModelError> {
        if let Some(error) = chunk.error {
            return Err(refusal::inside_stream(&error));
        }
        self.id = self.id.take().or(chunk.id);
        self.count(chunk.usage.and_then(|usage| usage.read()));
        let choice = chunk.choices.unwrap_or_default().into_iter().find(|choice| choice.index.unwrap_or(0) == 0);
        choice.map_or(Ok(None), |choice| self.choose(choice))
    }

    /// The whole message.
    ///
    /// # Errors
    /// [`ErrorKind::Garbled`] when nothing in the stream was a chat completion, [`ErrorKind::ContentFilter`] when the
    /// provider cut it, [`ErrorKind::EmptyReply`] when there is neither text nor a tool call.
    pub(super) fn finish(mut self) -> Result<Assembled, ModelError> {
        if !self.began {
            return Err(self.failed(ErrorKind::Garbled, "the reply is not a chat completion"));
        }
        let mut finish_reason = self.finish_reason.clone().unwrap_or_else(|| "unknown".to_owned());
        if finish_reason == "content_filter" {
            return Err(self.failed(ErrorKind::ContentFilter, "the provider's content filter cut the reply"));
        }
        let mut content = std::mem::take(&mut self.content);
        let mut tool_calls: Vec<ToolCall> = in_order(std::mem::take(&mut self.calls));
        if tool_calls.is_empty()
            && let Some(leaked) = leak::find(&content, self.reasoning.text())
        {
            content = leaked.content;
            tool_calls = leaked.calls;
            "tool_calls".clone_into(&mut finish_reason);
        }
        if content.trim().is_empty() && tool_calls.is_empty() {
            return Err(self.failed(ErrorKind::EmptyReply, &empty(&self.reasoning, &finish_reason)));
        }
        let json = json_of(&self.reasoning, &content, &tool_calls);
        let message = AssistantMessage { json, reasoning: self.reasoning.text_owned(), content, tool_calls };
        Ok(Assembled { message, finish_reason, usage: self.usage, id: self.id })
    }

    /// An error after the model has worked.
    fn failed(&self, kind: ErrorKind, message: &str) -> ModelError {
        ModelError {
            may_be_billed: true,
            request_id: self.id.clone(),
            usage: self.usage.map(Box::new),
            ..ModelError::new(kind, message)
        }
    }

    fn choose(&mut self, choice: Choice) -> Result<Option<Progress>, ModelError> {
        if let Some(error) = choice.error {
            return Err(refusal::inside_stream(&error));
        }
        self.began = true;
        self.count(choice.usage.and_then(|usage| usage.read()));
        if choice.finish_reason.is_some() {
            self.finish_reason = choice.finish_reason;
        }
        Ok(choice.delta.or(choice.message).and_then(|delta| self.add(delta)))
    }

    /// The last usage wins; a chunk without one leaves it.
    fn count(&mut self, usage: Option<Usage>) {
        self.usage = usage.or(self.usage);
    }

    fn add(&mut self, delta: Delta) -> Option<Progress> {
        let mut progress = None;
        let thought = self.reasoning.add(delta.reasoning_content, delta.reasoning, delta.reasoning_details);
        if thought > 0 {
            self.shown.thinking += thought;
            progress = Some(Progress::Thinking(self.shown.thinking));
        }
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            self.content.push_str(&text);
            self.shown.writing += text.chars().count();
            progress = Some(Progress::Writing(self.shown.writing));
        }
        for call in delta.tool_calls.into_iter().flatten() {
            self.shown.calling += self.call(call);
            progress = Some(Progress::Calling(self.shown.calling));
        }
        progress
    }

    /// Adds a piece of a tool call; says how many characters of arguments it brought.
    fn call(&mut self, delta: CallDelta) -> usize {
        let function = delta.function.unwrap_or_default();
        let id = delta.id.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let arguments = function.arguments.unwrap_or_default();
        let at = self.slot(delta.index, &id).unwrap_or_else(|| {
            let (id, name, arguments) = (String::new(), String::new(), String::new());
            self.calls.push(PartialCall { index: delta.index, id, name, arguments });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name != name {
            call.name.push_str(&name); // Some hosts send a name in pieces, some send all of it each time.
        }
        call.arguments.push_str(&arguments);
        arguments.chars().count()
    }

    /// The call that a piece belongs to; `None` for a new one. An index decides, unless the piece brings another id
    /// (hosts that number every call 0); without an index the id decides; without both it goes on with the last.
    fn slot(&self, index: Option<u64>, id: &str) -> Option<usize> {
        let same_id = |call: &PartialCall| id.is_empty() || call.id.is_empty() || call.id == id;
        match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index && same_id(call)),
            None if id.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().rposition(|call| call.id == id),
        }
    }
}

/// The calls by their index (those without keep their place), each with an id that can be answered.
fn in_order(mut calls: Vec<PartialCall>) -> Vec<ToolCall> {
    calls.sort_by_key(|call| call.index.unwrap_or(u64::MAX));
    let named = calls.into_iter().filter(|call| !(call.name.is_empty() && call.arguments.is_empty()));
    named
        .enumerate()
        .map(|(n, call)| ToolCall {
            id: if call.id.is_empty() { format!("functions.{}:{n}", call.name) } else { call.id },
            name: call.name,
            arguments: call.arguments,
        })
        .collect()
}

fn empty(reasoning: &Reasoning, finish_reason: &str) -> String {
    let what = if reasoning.text().is_some_and(|text| !text.is_empty()) {
        "the reply holds reasoning but neither text nor a tool call"
    } else {
        "the reply is empty"
    };
    format!("{what} (finish reason {finish_reason})")
}

/// The reasoning that a message's JSON carries, read the way [`AssistantMessage::reasoning`] is.
pub(super) fn reasoning_of(json: &str) -> Option<String> {
    let delta: Delta = serde_json::from_str(json).ok()?;
    let mut reasoning = Reasoning::default();
    reasoning.add(delta.reasoning_content, delta.reasoning, delta.reasoning_details);
    reasoning.text_owned()
}

/// A kept assistant message with its parts read out again; `None` when it isn't one.
pub(super) fn message_of(json: &str) -> Option<AssistantMessage> {
    let value: Value = serde_json::from_str(json).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let call = |call: &Value| ToolCall {
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: text(&call["function"]["arguments"]),
    };
    (value["role"] == "assistant").then(|| AssistantMessage {
        json: json.to_owned(),
        reasoning: reasoning_of(json),
        content: text(&value["content"]),
        tool_calls: value["tool_calls"].as_array().into_iter().flatten().map(call).collect(),
    })
}

/// The assistant message as it is sent back. Empty text beside tool calls is left out: Kimi refuses it.
fn json_of(reasoning: &Reasoning, content: &str, tool_calls: &[ToolCall]) -> String {
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    reasoning.write_into(&mut message);
    if !content.is_empty() || tool_calls.is_empty() {
        message.insert("content".to_owned(), content.into());
    }
    if !tool_calls.is_empty() {
        let call = |ToolCall { id, name, arguments }: &ToolCall| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "id": id, "type": "function", "function": function })
        };
        message.insert("tool_calls".to_owned(), tool_calls.iter().map(call).collect());
    }
    Value::Object(message).to_string()
}

#[cfg(test)]
mod tests;
