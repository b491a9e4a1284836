//! A run that stopped before its end, taken up again: the same conversation byte for byte, the same changes in a new view.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::journal::{Event, Message, Outcome, Record, Recovered, RunFolder, RunStarted, recover};
use crate::model::{Conversation, ModelError};
use crate::tools;
use crate::workspace::ChangeSet;

/// What the model is told in place of an answer that was never kept.
const UNANSWERED: &str =
    "kcode was stopped before this call's answer was kept; it may have partly run. Look at the files before you go on.";
/// What it is told when its turn had already ended.
const GO_ON: &str =
    "kcode was stopped and goes on now. Files outside your changes may differ from what you read. Go on.";

/// What is kept of such a run.
pub struct Past {
    /// Its folder.
    pub folder: RunFolder,
    /// Its journal.
    pub recovered: Recovered,
    /// How it began.
    pub started: RunStarted,
    /// How far its changes had come.
    pub changes: ChangeSet,
}

impl Past {
    /// Reads what is kept of the run in `folder`.
    ///
    /// # Errors
    /// When it can't be read, came to its end, or was made by another version (whose bytes would differ).
    pub fn open(folder: RunFolder) -> Result<Self, Failure> {
        let recovered = recover(&folder.journal()).context("the run's journal can't be read")?;
        let Some(Event::RunStarted(started)) = recovered.records.first().map(|record| &record.event) else {
            return Err(Failure::internal(format!("{} holds no run", folder.journal().display())));
        };
        let started = started.clone();
        if let Some(outcome) = last_outcome(&recovered.records).filter(|outcome| !outcome.is_resumable()) {
            let message = format!("run {} came to its end: {}", folder.id(), outcome.name());
            return Err(Failure::usage(message, "start a new run with: kcode fix \"task\""));
        }
        if started.version != env!("CARGO_PKG_VERSION") {
            let message = format!("run {} was made by kcode {}, whose requests differ", folder.id(), started.version);
            return Err(Failure::usage(message, "resume it with that version, or start a new run"));
        }
        let changes = match folder.changes() {
            path if path.exists() => {
                ChangeSet::load(&path).with_context(|| format!("{} can't be read", path.display()))?
            }
            _ => ChangeSet::new(Vec::new()),
        };
        Ok(Self { folder, recovered, started, changes })
    }

    /// How long the run has taken so far, as its journal tells.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(self.recovered.records.last().map_or(0, |record| record.elapsed_ms))
    }

    /// Every event so far.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.recovered.records.iter().map(|record| &record.event)
    }

    /// The conversation as it was, made ready for the next request: each call has its one answer.
    ///
    /// # Errors
    /// When what was received is not what is kept.
    pub fn conversation(&self) -> Result<(Conversation, Vec<Event>), ModelError> {
        let (model, key) = (&self.started.model, &self.started.cache_key);
        let mut conversation = Conversation::restore(model, Some(key), tools::schemas(), self.events())?;
        let mut added = Vec::new();
        for (id, name) in self.unanswered() {
            added.push(Event::Message(conversation.push_tool(&id, &name, UNANSWERED)));
        }
        if added.is_empty() && self.messages().last().is_some_and(|message| message.role == "assistant") {
            added.push(Event::Message(conversation.push_user(GO_ON)));
        }
        Ok((conversation, added))
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.events().filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None })
    }

    /// Id and name of the calls of the last reply that have no answer.
    fn unanswered(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut open: Vec<(String, String)> = Vec::new();
        for message in self.messages() {
            let Ok(json) = serde_json::from_str::<Value>(&message.json) else { continue };
            match message.role.as_str() {
                "assistant" => {
                    let calls = json["tool_calls"].as_array().into_iter().flatten();
                    open = calls.map(|call| (text(&call["id"]), text(&call["function"]["name"]))).collect();
                }
                "tool" => {
                    // Two calls of one reply may bear the same id: an answer closes one of them.
                    let id = text(&json["tool_call_id"]);
                    if let Some(answered) = open.iter().position(|(open, _)| *open == id) {
                        open.remove(answered);
                    }
                }
                _ => {}
            }
        }
        open
    }
}

/// The outcome that the run noted last, unless it went on after that.
pub fn last_outcome(records: &[Record]) -> Option<Outcome> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::RunEnded(ended) => Some(Some(ended.outcome)),
        Event::Resumed(_) => Some(None),
        _ => None,
    })?
}
