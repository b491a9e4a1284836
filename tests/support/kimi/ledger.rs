//! What the mock has sent and received: how it knows that a client lost something.

use serde_json::Value;

use super::answer::{Call, Reply};
use super::wire::Counted;

/// An assistant message that the mock sent.
#[derive(Clone, Debug)]
struct Sent {
    reasoning: Option<(&'static str, String)>,
    content: String,
    calls: Vec<Call>,
}

/// The memory of a mock.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: Vec<Sent>,
    calls: usize,
    /// The cache key of each request, and its model, tools and messages as bytes.
    prefixes: Vec<(Value, Vec<u8>)>,
}

impl Ledger {
    /// Gives the calls ids of Kimi's form, remembers the reply and says how many tokens it has.
    pub fn send(&mut self, reply: &mut Reply) -> u64 {
        for call in &mut reply.calls {
            if call.id.is_empty() {
                call.id = format!("{}:{}", call.name, self.calls);
            }
            self.calls += 1;
        }
        let Reply { reasoning, content, calls, .. } = reply.clone();
        let thought = reasoning.as_ref().map_or(0, |(_, text)| text.len());
        let called: usize = calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        let completion = tokens(thought + content.len() + called);
        self.sent.push(Sent { reasoning, content, calls });
        completion
    }

    /// Whether a message that was sent with reasoning came back without.
    pub fn reasoning_is_missing(&self, message: &Value) -> bool {
        let calls = message["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
        match self.find(message) {
            Some(Sent { reasoning: Some((field, _)), .. }) => message.get(*field).is_none_or(Value::is_null),
            Some(Sent { reasoning: None, .. }) => false,
            None => calls && message["reasoning_content"].as_str().is_none_or(str::is_empty),
        }
    }

    /// What Kimi wouldn't refuse but a good client avoids.
    pub fn notes(&self, body: &Value, prefix: &[u8]) -> Vec<String> {
        let mut notes = Vec::new();
        for (n, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
            if message["role"] == "assistant" {
                self.note_message(n, message, &mut notes);
            }
        }
        let key = &body["prompt_cache_key"];
        if let Some((_, last)) = self.prefixes.iter().rev().find(|(known, _)| known == key)
            && !prefix.starts_with(last)
        {
            notes.push("the request doesn't begin with the bytes of the one before".to_owned());
        }
        notes
    }

    fn note_message(&self, n: usize, message: &Value, notes: &mut Vec<String>) {
        let Some(sent) = self.find(message) else {
            notes.push(format!("messages[{n}] was never sent by this server"));
            return;
        };
        if let Some((field, text)) = &sent.reasoning
            && reasoning_text(message, field) != *text
        {
            notes.push(format!("messages[{n}]: {field} differs from what was sent"));
        }
        for (call, back) in sent.calls.iter().zip(message["tool_calls"].as_array().into_iter().flatten()) {
            if back["function"]["arguments"].as_str() != Some(&call.arguments) {
                notes.push(format!("messages[{n}]: the arguments of {} were re-serialised", call.id));
            }
        }
    }

    /// Remembers the request's prefix and says how much of it an earlier one began with.
    pub fn count(&mut self, body: &Value, prefix: &[u8], completion: u64) -> Counted {
        let common = |(_, old): &(Value, Vec<u8>)| old.iter().zip(prefix).take_while(|(a, b)| a == b).count();
        let cached = tokens(self.prefixes.iter().map(common).max().unwrap_or(0));
        self.prefixes.push((body["prompt_cache_key"].clone(), prefix.to_vec()));
        // Kimi caches in blocks, from 256 tokens on.
        Counted { prompt: tokens(prefix.len()), cached: cached - cached % 256, completion }
    }

    /// The reply that a message repeats: the same calls, else the same text.
    fn find(&self, message: &Value) -> Option<&Sent> {
        let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_it = |sent: &&Sent| {
            let same_calls = sent.calls.len() == calls.len()
                && sent.calls.iter().zip(calls).all(|(a, b)| b["id"] == *a.id && b["function"]["name"] == *a.name);
            let same_text = message["content"].as_str().unwrap_or_default() == sent.content;
            same_calls && (same_text || !calls.is_empty())
        };
        let leaked = |sent: &&Sent| sent.content.contains("<|tool_call") && !calls.is_empty();
        self.sent.iter().rev().find(is_it).or_else(|| self.sent.iter().rev().find(leaked))
    }
}

/// Four bytes a token.
pub fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4)
}

/// Everything up to the end of the messages: what the next request must begin with.
pub fn prefix_of(body: &[u8]) -> &[u8] {
    let end = body.windows(24).rposition(|window| window == br#"],"max_completion_tokens"#);
    &body[..end.unwrap_or(body.len())]
}

fn reasoning_text(message: &Value, field: &str) -> String {
    match &message[field] {
        Value::Array(details) => details.iter().filter_map(|detail| detail["text"].as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}
