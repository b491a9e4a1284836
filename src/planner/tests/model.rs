//! A scripted model.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::journal::{Tokens, Usage};
use crate::model::{AssistantMessage, ErrorKind, Model, ModelError, Progress, Reply, Request};

/// Answer to the next request.
pub(super) enum Answer {
    Reply(Box<Reply>),
    Error(Box<ModelError>),
    Silence,
}

/// Returns the answers in order. A request beyond the last answer fails the test.
pub(super) struct ScriptedModel {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Value>>,
}

impl ScriptedModel {
    pub(super) fn new(answers: Vec<Answer>) -> Self {
        Self { answers: Mutex::new(answers.into()), sent: Mutex::default() }
    }

    /// The bodies of all requests.
    pub(super) fn sent(&self) -> Vec<Value> {
        self.sent.lock().unwrap().clone()
    }

    /// Number of unused answers.
    pub(super) fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

impl Model for ScriptedModel {
    async fn ask(&self, request: &Request, _progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        self.sent.lock().unwrap().push(serde_json::from_str(request.body.get()).unwrap());
        let next = self.answers.lock().unwrap().pop_front();
        match next.expect("a request that the script has no answer for") {
            Answer::Reply(reply) => Ok(*reply),
            Answer::Error(error) => Err(*error),
            Answer::Silence => std::future::pending().await,
        }
    }
}

/// Usage of a request and its reply, unless a test gives another.
pub(super) const USUAL: Usage = usage(1_000, 100);

pub(super) const fn usage(prompt: u64, completion: u64) -> Usage {
    Usage { prompt_tokens: Tokens(prompt), cached_tokens: Tokens(0), completion_tokens: Tokens(completion) }
}

/// A text that ends the turn.
pub(super) fn says(text: &str) -> Answer {
    reply("stop", &json!({ "role": "assistant", "content": text }), Some(USUAL))
}

/// The same with this usage.
pub(super) fn says_for(text: &str, usage: Option<Usage>) -> Answer {
    reply("stop", &json!({ "role": "assistant", "content": text }), usage)
}

/// A text that was cut off at the output limit.
pub(super) fn cut(text: &str) -> Answer {
    reply("length", &json!({ "role": "assistant", "content": text }), Some(USUAL))
}

/// Tool calls with their arguments; the ids are `c0`, `c1`…
pub(super) fn calls(calls: &[(&str, &str)]) -> Answer {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(n, (name, arguments))| {
            json!({ "id": format!("c{n}"), "type": "function",
                    "function": { "name": name, "arguments": arguments } })
        })
        .collect();
    reply("tool_calls", &json!({ "role": "assistant", "tool_calls": calls }), Some(USUAL))
}

/// A change of the tree to `content`.
pub(super) fn writes(content: &str) -> Answer {
    calls(&[("write", content)])
}

pub(super) fn fails(error: ModelError) -> Answer {
    Answer::Error(Box::new(error))
}

pub(super) fn cut_stream(may_be_billed: bool) -> ModelError {
    ModelError { may_be_billed, ..ModelError::new(ErrorKind::CutStream, "the stream ended early") }
}

fn reply(finish_reason: &str, message: &Value, usage: Option<Usage>) -> Answer {
    Answer::Reply(Box::new(Reply {
        message: AssistantMessage::recall(&message.to_string()).unwrap(),
        finish_reason: finish_reason.to_owned(),
        usage,
        request_id: None,
        first_byte: Duration::from_millis(1),
        elapsed: Duration::from_millis(2),
    }))
}
