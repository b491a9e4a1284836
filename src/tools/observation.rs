//! The result of a tool call, as it is sent from the worker to the broker.

use serde::{Deserialize, Serialize};

use super::text::clip;
use crate::journal::{RelPath, TestCounts, TestResults, WhyFailed};

/// Bytes of a refusal shown to people.
const SUMMARY: usize = 120;

/// The result of a tool call, sent from the worker to the broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// False if `text` tells the model what was wrong with its call.
    pub ok: bool,
    /// The answer to the model; never empty.
    pub text: String,
    /// One line for people, such as `calc/core.py:12  −1 +1`.
    pub summary: String,
    /// Files that the call wrote, created or removed.
    pub touched: Vec<RelPath>,
    /// Set by `run_tests`.
    pub tests: Option<TestRun>,
}

impl Observation {
    /// A call that succeeded and changed nothing.
    pub(super) fn of(text: String, summary: String) -> Self {
        Self { ok: true, text, summary, ..Self::default() }
    }

    /// A call that the model has to make differently; people see the start of its first line.
    pub(super) fn refusal(text: String) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let summary = match clip(first, SUMMARY) {
            whole if whole.len() == first.len() => first.to_owned(),
            // Cuts at a word boundary.
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
    /// `None` if a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Why kcode ended it: `deadline`, `idle`, `watch`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// Wall time in milliseconds.
    pub ms: u64,
    /// Path of the private view as the command saw it.
    #[serde(default)]
    pub view: String,
    /// File name of the log in the run's `logs/`.
    pub log: String,
    /// Bytes from the middle of the output that the log doesn't hold.
    #[serde(default)]
    pub left_out: u64,
    /// What the model is shown: failing lines first, then head and tail.
    pub excerpt: String,
    /// Folder in `logs/` with the runner's reports; `None` if it wrote none.
    #[serde(default)]
    pub reports: Option<String>,
    /// The runner's own counts; `None` if its output isn't understood.
    pub counts: Option<TestCounts>,
    /// Results of single tests, where the runner reports them. Set in the broker and never shown to the model as they
    /// are.
    #[serde(default)]
    pub results: Option<TestResults>,
    /// The known cause of a failure. Set in the broker.
    #[serde(default)]
    pub why: Option<WhyFailed>,
}

impl TestRun {
    /// Exit code 0, not stopped by kcode, and not contradicted by the runner's report.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.exit_code == Some(0) && self.stopped.is_none() && self.contradiction().is_none()
    }

    /// What in the runner's report contradicts exit code 0.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        let failed = self.results.as_ref().filter(|_| self.exit_code == Some(0))?.counts().failed;
        (failed > 0).then(|| format!("exit code 0, but by its own report {failed} failed"))
    }
}
