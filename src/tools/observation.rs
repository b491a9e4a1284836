//! What a tool call came to, as it crosses the wall.

use serde::{Deserialize, Serialize};

use super::text::clip;
use crate::journal::{RelPath, TestCounts, TestResults, WhyFailed};

/// Bytes of a refusal that people see.
const SUMMARY: usize = 120;

/// What a call of a tool came to; crosses the wall from the worker to the broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// False when `text` tells the model what was wrong with its call.
    pub ok: bool,
    /// What the model reads; never empty.
    pub text: String,
    /// One line for people, such as `calc/core.py:12  −1 +1`.
    pub summary: String,
    /// Files that the call wrote, made or removed.
    pub touched: Vec<RelPath>,
    /// Set by `run_tests`.
    pub tests: Option<TestRun>,
}

impl Observation {
    /// A call that did what it should and changed nothing.
    pub(super) fn of(text: String, summary: String) -> Self {
        Self { ok: true, text, summary, ..Self::default() }
    }

    /// A call that the model has to make differently; people see the start of the first line.
    pub(super) fn refusal(text: String) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let summary = match clip(first, SUMMARY) {
            whole if whole.len() == first.len() => first.to_owned(),
            // Never in the middle of a word.
            start => format!("{}…", start.rsplit_once(' ').map_or(start, |(words, _)| words)),
        };
        Self { ok: false, text, summary, ..Self::default() }
    }
}

/// A finished run of the test command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestRun {
    /// The command as a person would type it, filter included.
    pub command: String,
    /// The exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why kcode ended it: `deadline`, `idle`, `watch`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// Wall time.
    pub ms: u64,
    /// The private view as the command saw it.
    #[serde(default)]
    pub view: String,
    /// The log's file name in the run's `logs/`.
    pub log: String,
    /// Bytes in the middle of the output that the log doesn't hold.
    #[serde(default)]
    pub left_out: u64,
    /// What the model is shown: failing lines first, then head and tail.
    pub excerpt: String,
    /// The folder in `logs/` with the reports that the runner wrote, if it wrote any.
    #[serde(default)]
    pub reports: Option<String>,
    /// The runner's own count, where its words are known.
    pub counts: Option<TestCounts>,
    /// Single tests, where the runner tells of them. Set in the broker, and never shown to the model as it is.
    #[serde(default)]
    pub results: Option<TestResults>,
    /// What is known of why it failed. Set in the broker.
    #[serde(default)]
    pub why: Option<WhyFailed>,
}

impl TestRun {
    /// Exit code 0, kcode didn't end it, and the runner's own report doesn't say otherwise.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.exit_code == Some(0) && self.stopped.is_none() && self.contradiction().is_none()
    }

    /// What in the runner's own report contradicts an exit code 0.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        let failed = self.results.as_ref().filter(|_| self.exit_code == Some(0))?.counts().failed;
        (failed > 0).then(|| format!("exit code 0, but by its own report {failed} failed"))
    }
}
