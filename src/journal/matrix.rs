//! What the patch did to each test, compared with the start state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tests before and after the patch, compared one by one (event `compared`). A test is in at most one list; tests that
/// passed before and after are only counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// Tests that failed before and pass now.
    pub fixed: Vec<String>,
    /// Tests that passed before and fail now.
    pub broken: Vec<String>,
    /// Tests that failed before and fail now.
    pub still_failing: Vec<String>,
    /// New tests that pass.
    pub new: Vec<String>,
    /// New tests that fail.
    pub new_failing: Vec<String>,
    /// Tests that existed before and don't exist now.
    pub removed: Vec<String>,
    /// Tests that ran before and are skipped now.
    pub newly_skipped: Vec<String>,
    /// Tests that differed between two runs on the same tree; they count neither for nor against the patch.
    pub flaky: Vec<String>,
    /// Number of tests that passed before and pass now.
    pub passing: u64,
}

impl Matrix {
    /// Adds the results of a check's own tests, each prefixed with the check's name.
    pub fn add(&mut self, check: &str, other: &Self) {
        let mine = [
            &mut self.fixed,
            &mut self.broken,
            &mut self.still_failing,
            &mut self.new,
            &mut self.new_failing,
            &mut self.removed,
            &mut self.newly_skipped,
            &mut self.flaky,
        ];
        for (list, (_, tests)) in mine.into_iter().zip(other.lists()) {
            list.extend(tests.iter().map(|test| format!("{check}: {test}")));
        }
        self.passing += other.passing;
    }

    /// The lists with their names, as `report.md` shows them.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        [
            ("fixed", &self.fixed),
            ("broken", &self.broken),
            ("still failing", &self.still_failing),
            ("new", &self.new),
            ("new and failing", &self.new_failing),
            ("removed", &self.removed),
            ("newly skipped", &self.newly_skipped),
            ("flaky", &self.flaky),
        ]
        .into_iter()
        .map(|(name, tests)| (name, tests.as_slice()))
    }
}
