//! The evidence that the patch was last judged by.

use std::collections::BTreeSet;

use crate::journal::{Matrix, Reproduction};
use crate::planner::CheckRun;
use crate::testing::is_same_check;
use crate::tools::{Observation, TestRun};

/// The evidence that the patch was last judged by.
#[derive(Clone, Debug, Default)]
pub(super) struct PatchVerification {
    /// The runs on the patch as it stands.
    pub runs: Vec<TestRun>,
    pub checks: Vec<CheckRun>,
    /// Before and after, of the tests alone.
    pub matrix: Option<Matrix>,
    /// The same with what checks tell of single tests.
    pub all: Option<Matrix>,
    /// Tests that were fixed may be others than those that failed; a person or the task allowed that.
    pub tests_edited: bool,
    /// Whether a test shows what it mends, once that was looked for.
    pub reproduction: Option<Reproduction>,
}

impl PatchVerification {
    /// Whether all checks go as they went on the patch.
    pub(super) fn are_same_checks(&self, runs: &[TestRun]) -> bool {
        let same = |(known, run): (&CheckRun, &TestRun)| is_same_check(&known.run, run);
        runs.len() == self.checks.len() && self.checks.iter().zip(runs).all(same)
    }
}

/// The tests that failed in `observations`, by the runner's own words.
pub(super) fn failing(observations: &[Observation]) -> BTreeSet<String> {
    let results = observations.iter().filter_map(|seen| seen.tests.as_ref()?.results.as_ref());
    let failed = results.flat_map(|results| results.tests.iter()).filter(|(_, case)| case.verdict.is_failure());
    failed.map(|(name, _)| name.to_string()).collect()
}
