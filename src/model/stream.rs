//! Assembles the chunks of a stream into one assistant message: a state machine without I/O.
//!
//! Kimi sends `reasoning_content` first, then `content` or pieces of tool calls, then a `finish_reason`; usage comes in
//! one of three places. Other hosts name the reasoning differently, leave out indices or leak the markup of tool calls
//! into the text. The message's JSON is built here, once.

use serde_json::{Map, Value, json};

use super::calls::{CallPieces, too_much};
use super::chunk::{Choice, Chunk, Delta};
use super::{AssistantMessage, ErrorKind, ModelError, Progress, ToolCall, leak, reasoning::Reasoning};
use super::{refusal, surrogates};
use crate::journal::Usage;

/// Most characters of a reply, many times a window of 262,144 tokens.
const MAX_CHARS: usize = 16 * 1024 * 1024;

/// A partly received reply.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// A choice came, so the stream is a chat completion.
    began: bool,
    reasoning: Reasoning,
    content: String,
    calls: CallPieces,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    id: Option<String>,
    shown: ProgressCount,
}

/// Characters counted for [`Progress`], so that no chunk causes a recount.
#[derive(Debug, Default)]
struct ProgressCount {
    thinking: usize,
    writing: usize,
    calling: usize,
}

/// A complete reply.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) message: AssistantMessage,
    pub(super) finish_reason: String,
    pub(super) usage: Option<Usage>,
    pub(super) id: Option<String>,
}

impl Assembly {
    /// Adds the next chunk; returns the progress.
    ///
    /// # Errors
    /// The error that the provider sent inside the stream, or [`ErrorKind::Broken`] for a reply beyond the limits.
    pub(super) fn push(&mut self, chunk: Chunk) -> Result<Option<Progress>, ModelError> {
        if let Some(error) = chunk.error {
            return Err(refusal::inside_stream(&error));
        }
        self.id = self.id.take().or(chunk.id);
        self.count(chunk.usage);
        let choice = chunk.choices.into_iter().find(|choice| choice.index == 0);
        choice.map_or(Ok(None), |choice| self.choose(choice))
    }

    /// Turns [`ErrorKind::Garbled`] into [`ErrorKind::Broken`] if the stream began as a reply: the endpoint is an API
    /// after all.
    pub(super) fn in_the_midst(&self, error: ModelError) -> ModelError {
        let kind = if self.began && error.kind == ErrorKind::Garbled { ErrorKind::Broken } else { error.kind };
        ModelError { kind, ..error }
    }

    /// Builds the message.
    ///
    /// # Errors
    /// [`ErrorKind::Garbled`] if the stream held no chat completion, [`ErrorKind::ContentFilter`] if the provider cut
    /// the reply, [`ErrorKind::EmptyReply`] if it has neither text nor a tool call.
    pub(super) fn finish(mut self) -> Result<Assembled, ModelError> {
        if !self.began {
            return Err(self.failed(ErrorKind::Garbled, "the reply is not a chat completion"));
        }
        let mut finish_reason = self.finish_reason.clone().unwrap_or_else(|| "unknown".to_owned());
        if finish_reason == "content_filter" {
            return Err(self.failed(ErrorKind::ContentFilter, "the provider's content filter cut the reply"));
        }
        self.reasoning.complete();
        let mut content = surrogates::join(std::mem::take(&mut self.content));
        let mut tool_calls: Vec<ToolCall> = std::mem::take(&mut self.calls).finish();
        if let Some(leaked) = leak::find(&content, self.reasoning.text(), &tool_calls) {
            content = leaked.content;
            tool_calls.extend(leaked.calls);
            "tool_calls".clone_into(&mut finish_reason);
        }
        if content.trim().is_empty() && tool_calls.is_empty() {
            return Err(self.failed(ErrorKind::EmptyReply, &empty(&self.reasoning, &finish_reason)));
        }
        let json = json_of(&self.reasoning, &content, &tool_calls);
        tool_calls.iter_mut().for_each(ToolCall::name_the_tool);
        let message = AssistantMessage { json, reasoning: self.reasoning.text_owned(), content, tool_calls };
        Ok(Assembled { message, finish_reason, usage: self.usage, id: self.id })
    }

    /// A failure that may be billed, because the model has worked.
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
        self.count(choice.usage);
        if choice.finish_reason.is_some() {
            self.finish_reason = choice.finish_reason;
        }
        // Some hosts end a stream with the whole message again.
        let whole = choice.message.filter(|_| self.is_empty());
        choice.delta.or(whole).map_or(Ok(None), |delta| self.add(delta))
    }

    fn is_empty(&self) -> bool {
        self.content.is_empty() && self.calls.is_empty() && self.reasoning.is_none()
    }

    /// Whether a finish reason came, with or without `[DONE]` after it.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// The last usage counts; a chunk without one changes nothing.
    fn count(&mut self, usage: Option<Usage>) {
        self.usage = usage.or(self.usage);
    }

    fn add(&mut self, delta: Delta) -> Result<Option<Progress>, ModelError> {
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
        for call in delta.tool_calls {
            self.shown.calling += self.calls.add(call)?;
            progress = Some(Progress::Calling(self.shown.calling));
        }
        if self.shown.thinking + self.shown.writing + self.shown.calling > MAX_CHARS {
            return Err(too_much("more text"));
        }
        Ok(progress)
    }
}

fn empty(reasoning: &Reasoning, finish_reason: &str) -> String {
    let what = if reasoning.text().is_some_and(|text| !text.is_empty()) {
        "the reply holds reasoning but neither text nor a tool call"
    } else {
        "the reply is empty"
    };
    format!("{what} (finish reason {finish_reason})")
}

/// The reasoning in a message's JSON, as in [`AssistantMessage::reasoning`].
pub(super) fn reasoning_of(json: &str) -> Option<String> {
    let delta = Delta::of(&serde_json::from_str(json).ok()?)?;
    let mut reasoning = Reasoning::default();
    reasoning.add(delta.reasoning_content, delta.reasoning, delta.reasoning_details);
    reasoning.text_owned()
}

/// Parses an assistant message's JSON; `None` if it isn't one.
pub(super) fn message_of(json: &str) -> Option<AssistantMessage> {
    let value: Value = serde_json::from_str(json).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let call = |call: &Value| {
        let name = text(&call["function"]["name"]);
        let mut call = ToolCall { id: text(&call["id"]), name, arguments: text(&call["function"]["arguments"]) };
        call.name_the_tool();
        call
    };
    (value["role"] == "assistant").then(|| AssistantMessage {
        json: json.to_owned(),
        reasoning: reasoning_of(json),
        content: text(&value["content"]),
        tool_calls: value["tool_calls"].as_array().into_iter().flatten().map(call).collect(),
    })
}

/// The assistant message as it is sent back. Empty text next to tool calls is left out because Kimi refuses it.
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
