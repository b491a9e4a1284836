//! One run of the loop in a test, and accessors for its results.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::environment::{FakeEnvironment, Fate};
use super::journal::KeptEvents;
use super::model::{Answer, ScriptedModel};
use crate::journal::{Event, Limits, StopReason, Tokens};
use crate::model::{Conversation, Price};
use crate::planner::budget::Budget;
use crate::planner::{Planner, State, Stop};

/// Inputs of a run; a test changes what matters to it.
pub(super) struct LoopRun {
    pub(super) model: ScriptedModel,
    pub(super) environment: FakeEnvironment,
    pub(super) journal: KeptEvents,
    pub(super) limits: Limits,
    pub(super) price: Option<Price>,
    pub(super) state: State,
    pub(super) max_completion_tokens: Tokens,
    pub(super) max_retries: u32,
    pub(super) time: Duration,
    /// Events of an earlier process.
    pub(super) earlier: Vec<Event>,
}

impl LoopRun {
    pub(super) fn new(answers: Vec<Answer>) -> Self {
        Self {
            model: ScriptedModel::new(answers),
            environment: FakeEnvironment::new(),
            journal: KeptEvents::default(),
            limits: Limits { max_turns: 20, max_tokens: None, max_cost_usd: None, max_time_s: 3600 },
            price: None,
            state: State::default(),
            max_completion_tokens: Tokens(8_000),
            max_retries: 5,
            time: Duration::from_hours(1),
            earlier: Vec::new(),
        }
    }

    /// Sets what happens in `step`.
    pub(super) fn with_fate(mut self, step: &'static str, fate: Fate) -> Self {
        self.environment.fates.insert(step, fate);
        self
    }

    /// Runs to the end and checks that every call was answered once.
    pub(super) async fn run(&mut self) -> Stop {
        let stop = self.run_unchecked().await;
        self.assert_history_is_valid();
        stop
    }

    pub(super) async fn run_unchecked(&mut self) -> Stop {
        let mut budget = Budget::new(self.limits, self.price);
        budget.recall(&self.earlier);
        let mut conversation = Conversation::new("kimi-k2.7-code", None, "[]");
        conversation.push_system("You mend code.");
        conversation.push_user("Mend it.");
        let cancelled = self.environment.interrupt.subscribe();
        let mut planner = Planner {
            model: &self.model,
            environment: &mut self.environment,
            journal: &mut self.journal,
            conversation,
            budget,
            max_completion_tokens: self.max_completion_tokens,
            max_retries: self.max_retries,
            deadline: Instant::now() + self.time,
            cancelled,
            progress: &mut |_| {},
            state: std::mem::take(&mut self.state),
        };
        let stop = planner.run().await.unwrap();
        self.state = planner.state;
        let last = self.journal.events.last();
        assert!(matches!(last, Some(Event::Stopped(stopped)) if stopped.reason == stop.reason), "{last:?}");
        stop
    }

    /// The kept messages: role and content.
    pub(super) fn messages(&self) -> Vec<(String, Value)> {
        let message = |event: &Event| match event {
            Event::Message(message) => Some((message.role.clone(), serde_json::from_str(&message.json).unwrap())),
            _ => None,
        };
        self.journal.events.iter().filter_map(message).collect()
    }

    pub(super) fn answers(&self) -> Vec<String> {
        let text = |message: Value| message["content"].as_str().unwrap_or_default().to_owned();
        self.messages().into_iter().filter(|(role, _)| role == "tool").map(|(_, message)| text(message)).collect()
    }

    /// Messages of kcode after the task.
    pub(super) fn told(&self) -> Vec<String> {
        let text = |message: Value| message["content"].as_str().unwrap_or_default().to_owned();
        self.messages().into_iter().filter(|(role, _)| role == "user").map(|(_, message)| text(message)).collect()
    }

    pub(super) fn nudges(&self) -> Vec<&str> {
        self.journal
            .events
            .iter()
            .filter_map(|event| if let Event::Nudged(nudged) = event { Some(&*nudged.kind) } else { None })
            .collect()
    }

    pub(super) fn steps(&self) -> Vec<String> {
        self.environment.steps.borrow().clone()
    }

    /// Checks that each reply's calls are answered by the following messages, one per call, in order.
    fn assert_history_is_valid(&self) {
        let mut open: Vec<String> = Vec::new();
        for (role, message) in self.messages() {
            if role == "tool" {
                assert!(!open.is_empty(), "an answer to nothing: {message}");
                assert_eq!(message["tool_call_id"], open.remove(0));
                continue;
            }
            assert!(open.is_empty(), "{role} comes before the answers to {open:?}");
            let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
            open = calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect();
        }
        assert!(open.is_empty(), "{open:?} were never answered");
    }
}

/// Reason and detail of `stop`.
pub(super) fn told_of(stop: &Stop) -> (StopReason, &str) {
    (stop.reason, &stop.detail)
}
