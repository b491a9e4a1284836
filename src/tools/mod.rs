//! What the model may call. Each tool is one file here and one JSON file in `tools/`, which is what the model sees.
//!
//! Tools run inside the worker process; the broker knows only their names and access.

use serde::{Deserialize, Serialize};

use crate::journal::{RelPath, TestCounts};

/// Whether a tool may run beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing; calls of one reply run together.
    Read,
    /// May change the view; runs alone.
    Write,
}

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

/// A finished run of the test command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestRun {
    /// The command as a person would type it, filter included.
    pub command: String,
    /// The exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why kcode ended it: `deadline`, `idle` or `cancelled`.
    pub stopped: Option<String>,
    /// Wall time.
    pub ms: u64,
    /// The log's file name in the run's `logs/`.
    pub log: String,
    /// What the model is shown: failing lines first, then head and tail.
    pub excerpt: String,
    /// The runner's own count, where its words are known.
    pub counts: Option<TestCounts>,
}

impl TestRun {
    /// Exit code 0, and kcode didn't end it.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.exit_code == Some(0) && self.stopped.is_none()
    }
}
