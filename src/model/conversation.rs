//! The conversation as the bytes that are sent: only appended to, never serialised again.
//!
//! One buffer holds `{"model":…,"prompt_cache_key":…,"tools":[…],"messages":[m1,m2`. A request is a copy of it with a
//! tail that may vary (`max_completion_tokens`, `tool_choice`…), so request *n+1* begins with everything before the
//! tail of request *n* (law 5). Received messages are hashed on receipt and again before each request; a difference
//! stops the run (law 4). A message changes for one reason only: the host refuses what the model said. That is recorded
//! as an event ([`super::repair`]).

use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Digest as _;

use super::estimate::Estimate;
use super::{AssistantMessage, ErrorKind, ModelError, Request, profile, repair, stream};
use crate::journal::{Digest, Event, Message, RepairCause, RepairedMessage, ReplyReceived, Tokens, Usage};

/// Whether the next reply may call tools. Kimi allows no other values; changing it keeps its prefix cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// The model must answer in text.
    None,
}

/// Digests of a received message, which the buffer must still match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// SHA-256 of the message's JSON.
    pub message: Digest,
    /// SHA-256 of its reasoning; `None` if it had none.
    pub reasoning: Option<Digest>,
}

impl Receipt {
    /// The digests of a message's JSON.
    #[must_use]
    pub fn of(json: &str) -> Self {
        Self { message: Digest::of(json), reasoning: stream::reasoning_of(json).map(Digest::of) }
    }
}

impl From<&AssistantMessage> for Receipt {
    fn from(message: &AssistantMessage) -> Self {
        Self { message: Digest::of(&message.json), reasoning: message.reasoning.as_ref().map(Digest::of) }
    }
}

impl From<&ReplyReceived> for Receipt {
    fn from(reply: &ReplyReceived) -> Self {
        Self { message: reply.message_sha256, reasoning: reply.reasoning_sha256 }
    }
}

/// A reply in the buffer.
#[derive(Clone, Debug)]
struct Received {
    /// Index among all messages.
    message: usize,
    receipt: Receipt,
    /// Whether the reasoning matched the receipt when the message was appended. After that the message's digest covers
    /// both, so that no reply is parsed again for each request.
    reasoning_kept: bool,
}

/// Which replies are sent back with `reasoning_content`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReasoningField {
    /// Those that came with it.
    AsItCame,
    /// Also those that came without any reasoning.
    WhereNoneCame,
    /// All of them, because the host asked for it.
    Always,
}

/// The conversation with the model, append-only.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The request's bytes up to the last message.
    buffer: String,
    /// Hashes the buffer as it grows.
    prefix: sha2::Sha256,
    /// Where each message stands in the buffer.
    messages: Vec<Range<usize>>,
    received: Vec<Received>,
    field: ReasoningField,
    estimate: Estimate,
}

impl Conversation {
    /// An empty conversation. `tools` is a JSON array that is sent unchanged (`[]` sends none). `cache_key` is constant
    /// for the conversation, so that the provider finds its prefix in the cache.
    #[must_use]
    pub fn new(model: &str, cache_key: Option<&str>, tools: &str) -> Self {
        let cache_key = cache_key.map(|key| format!(r#","prompt_cache_key":{}"#, quoted(key))).unwrap_or_default();
        let tools = match tools.trim() {
            "" | "[]" => String::new(),
            tools => format!(r#","tools":{tools}"#),
        };
        let head = format!(r#"{{"model":{}{cache_key}{tools},"messages":["#, quoted(model));
        let mut conversation = Self {
            buffer: String::new(),
            prefix: sha2::Sha256::new(),
            messages: Vec::new(),
            received: Vec::new(),
            field: if profile::asks_for_reasoning(model) {
                ReasoningField::WhereNoneCame
            } else {
                ReasoningField::AsItCame
            },
            estimate: Estimate::default(),
        };
        conversation.append(&head);
        conversation
    }

    /// Rebuilds a conversation from the journal's [`Event::Message`], [`Event::Reply`] and [`Event::HistoryRepaired`];
    /// other events are skipped.
    ///
    /// # Errors
    /// [`ErrorKind::ReasoningLost`] if a message isn't valid JSON. (One that differs from what was received is found by
    /// [`Self::request`].)
    pub fn restore<'a>(
        model: &str,
        cache_key: Option<&str>,
        tools: &str,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, ModelError> {
        let mut conversation = Self::new(model, cache_key, tools);
        let mut reply = None;
        for event in events {
            match event {
                Event::Reply(received) => reply = Some(received),
                Event::Message(message) => conversation.recall(message, &mut reply)?,
                Event::HistoryRepaired(repaired) => conversation.repair(repaired.cause, &repaired.messages),
                _ => {}
            }
        }
        Ok(conversation)
    }

    /// Appends the system prompt.
    pub fn push_system(&mut self, text: &str) -> Message {
        self.push("system", &json!({ "role": "system", "content": text }))
    }

    /// Appends a message of the user, or of kcode in the user's place.
    pub fn push_user(&mut self, text: &str) -> Message {
        self.push("user", &json!({ "role": "user", "content": text }))
    }

    /// Appends the answer to the tool call `id` of the last reply. Kimi refuses empty content, so none is sent.
    pub fn push_tool(&mut self, id: &str, name: &str, text: &str) -> Message {
        let content = if text.is_empty() { "(no output)" } else { text };
        let answer = if name.is_empty() {
            json!({ "role": "tool", "tool_call_id": id, "content": content })
        } else {
            json!({ "role": "tool", "tool_call_id": id, "name": name, "content": content })
        };
        self.push("tool", &answer)
    }

    /// Completes a reply for hosts that ask for `reasoning_content`: adds an empty one if no reasoning came.
    pub fn complete(&self, message: &mut AssistantMessage) {
        let is_wanted = match self.field {
            ReasoningField::AsItCame => false,
            ReasoningField::WhereNoneCame => message.reasoning.is_none(),
            ReasoningField::Always => true,
        };
        if is_wanted && let Some(json) = repair::with_reasoning(&message.json) {
            message.json = json;
            message.reasoning.get_or_insert_default();
        }
    }

    /// The repairs after a refusal that may be due to messages of the model; `None` for every other failure, or if
    /// there is nothing to repair.
    #[must_use]
    pub fn repairs(&self, error: &ModelError) -> Option<(RepairCause, Vec<RepairedMessage>)> {
        let cause = repair::cause(error)?;
        let messages = self.messages.iter().filter_map(|span| self.buffer.get(span.clone()));
        Some((cause, repair::changes(cause, messages))).filter(|(_, changes)| !changes.is_empty())
    }

    /// Replaces messages with their repaired versions.
    pub fn repair(&mut self, cause: RepairCause, changes: &[RepairedMessage]) {
        self.field = match cause {
            RepairCause::BrokenCall => self.field,
            RepairCause::ReasoningAsked => ReasoningField::Always,
            RepairCause::ReasoningRefused => ReasoningField::AsItCame,
        };
        for change in changes {
            self.replace(change.message as usize, &change.json, cause);
        }
        self.prefix = sha2::Sha256::new_with_prefix(&self.buffer);
    }

    fn replace(&mut self, n: usize, json: &str, cause: RepairCause) {
        let Some(span) = self.messages.get(n).cloned() else { return };
        self.buffer.replace_range(span.clone(), json);
        self.messages[n].end = span.start + json.len();
        for later in &mut self.messages[n + 1..] {
            *later = later.start - span.len() + json.len()..later.end - span.len() + json.len();
        }
        self.estimate.grow(&" ".repeat(json.len().saturating_sub(span.len())));
        if let Some(reply) = self.received.iter_mut().find(|reply| reply.message == n) {
            let now = Receipt::of(json);
            // Repairing a call must not change the reasoning.
            reply.reasoning_kept &= cause != RepairCause::BrokenCall || now.reasoning == reply.receipt.reasoning;
            reply.receipt = now;
        }
    }

    /// Appends a reply's message byte for byte, as it was built on receipt.
    pub fn push_assistant(&mut self, message: &AssistantMessage) -> Message {
        self.push_received(&message.json, Receipt::from(message))
    }

    /// Takes over the provider's token count for the last reply; later estimates build on it.
    pub fn calibrate(&mut self, usage: &Usage) {
        self.estimate.calibrate(usage);
    }

    /// Likely input of the next request in tokens: the provider's count as far as it reaches, and a generous estimate
    /// for what follows.
    #[must_use]
    pub fn prompt_tokens(&self) -> Tokens {
        self.estimate.tokens()
    }

    /// Upper bound of the next request's input in tokens: the provider's count as far as it reaches, then one token per
    /// byte.
    #[must_use]
    pub fn prompt_tokens_at_most(&self) -> Tokens {
        self.estimate.upper_bound()
    }

    /// Builds the next request, with `cap` as `max_completion_tokens`.
    ///
    /// # Errors
    /// [`ErrorKind::ReasoningLost`] if a reply in the buffer differs from what was received.
    pub fn request(&self, cap: Tokens, tool_choice: ToolChoice) -> Result<Request, ModelError> {
        self.check()?;
        let tool_choice = match tool_choice {
            ToolChoice::Auto => "",
            ToolChoice::None => r#","tool_choice":"none""#,
        };
        let body = format!(
            r#"{}],"max_completion_tokens":{},"stream":true,"stream_options":{{"include_usage":true}}{tool_choice}}}"#,
            self.buffer, cap.0
        );
        Ok(Request {
            body: RawValue::from_string(body).map_err(|error| {
                ModelError::new(ErrorKind::BadRequest, &format!("the request isn't valid JSON: {error}"))
            })?,
            prefix_sha256: Digest::from_raw(self.prefix.clone().finalize().into()),
            max_completion_tokens: cap,
        })
    }

    /// The bytes that the next request begins with: model, tools and messages so far.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.buffer
    }

    fn push(&mut self, role: &str, message: &Value) -> Message {
        let json = message.to_string();
        self.append_message(&json);
        Message { role: role.to_owned(), json }
    }

    fn push_received(&mut self, json: &str, receipt: Receipt) -> Message {
        self.estimate.mark_request();
        let reasoning_kept = stream::reasoning_of(json).map(Digest::of) == receipt.reasoning;
        self.received.push(Received { message: self.messages.len(), receipt, reasoning_kept });
        self.append_message(json);
        Message { role: "assistant".to_owned(), json: json.to_owned() }
    }

    fn recall(&mut self, message: &Message, reply: &mut Option<&ReplyReceived>) -> Result<(), ModelError> {
        if serde_json::from_str::<&RawValue>(&message.json).is_err() {
            return Err(lost(self.messages.len(), "its JSON is damaged"));
        }
        if message.role == "assistant" {
            let reply = reply.take();
            let receipt = reply.map_or_else(|| Receipt::of(&message.json), Receipt::from);
            self.push_received(&message.json, receipt);
            if let Some(reply) = reply.filter(|reply| !reply.usage_estimated) {
                self.calibrate(&reply.usage);
            }
        } else {
            self.append_message(&message.json);
        }
        Ok(())
    }

    fn append_message(&mut self, json: &str) {
        if !self.messages.is_empty() {
            self.append(",");
        }
        let start = self.buffer.len();
        self.append(json);
        self.messages.push(start..self.buffer.len());
    }

    fn append(&mut self, text: &str) {
        self.buffer.push_str(text);
        self.prefix.update(text.as_bytes());
        self.estimate.grow(text);
    }

    fn check(&self) -> Result<(), ModelError> {
        for (n, reply) in self.received.iter().enumerate() {
            let span = self.messages.get(reply.message).cloned().unwrap_or_default();
            let json = self.buffer.get(span).unwrap_or_default();
            if Digest::of(json) != reply.receipt.message {
                return Err(lost(n, "its bytes differ from what was received"));
            }
            if !reply.reasoning_kept {
                return Err(lost(n, "its reasoning differs from what was received"));
            }
        }
        Ok(())
    }
}

/// The error for reply `n` (from 0), which can't be sent back.
fn lost(n: usize, how: &str) -> ModelError {
    ModelError::new(ErrorKind::ReasoningLost, &format!("reply {} of the conversation can't be sent back: {how}", n + 1))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
