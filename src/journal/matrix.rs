//! What the patch did to each test, held against the state that the run started from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See `Event::Compared`. A test is in one list at most; one that passed before and after is only counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// Failed before, pass now.
    pub fixed: Vec<String>,
    /// Passed before, fail now.
    pub broken: Vec<String>,
    /// Failed before, fail now.
    pub still_failing: Vec<String>,
    /// Weren't there before, pass now.
    pub new: Vec<String>,
    /// Weren't there before, fail now.
    pub new_failing: Vec<String>,
    /// Were there before, are not there now.
    pub removed: Vec<String>,
    /// Ran before, are skipped now.
    pub newly_skipped: Vec<String>,
    /// Went differently in two runs on the same tree: they speak neither for the patch nor against it.
    pub flaky: Vec<String>,
    /// How many passed before and pass now.
    pub passing: u64,
}

impl Matrix {
    /// With what a check's own tests did, each under the check's name.
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

    /// Its lists with their names, as `report.json` names them.
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
