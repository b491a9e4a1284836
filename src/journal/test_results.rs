//! Results of single tests as the runner reports them: parsers make them from a report or output, and the matrix
//! compares them.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TestCounts, shared};

/// Results of single tests of one run of a test command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResults {
    /// What was parsed, such as `pytest, JUnit XML` or `libtest, text`.
    pub source: String,
    /// By a name that is the same in every run: `tests.test_core.T::test_add`, `core::tests::adds`. The names are
    /// [`shared`] between runs.
    pub tests: Arc<BTreeMap<Arc<str>, TestCase>>,
    /// True if the runner reported its end; false if it crashed or its output was cut off.
    pub complete: bool,
}

/// Result of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// Result of the test.
    pub verdict: Verdict,
    /// The runner's message about a failure: the assertion and the lines that belong to it, capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The file that contains the test or that the failure points to, if the runner says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
}

/// Result of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passed, or failed as expected.
    Passed,
    /// It failed, or could not be run.
    Failed,
    /// It didn't run.
    Skipped,
}

impl Verdict {
    /// True for [`Verdict::Failed`].
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed)
    }
}

impl TestResults {
    /// Replaces the names by the copies shared with other runs.
    pub fn share_names(&mut self) {
        let tests = self.tests.iter().map(|(name, case)| {
            let file = case.file.as_deref().map(shared);
            (shared(name), TestCase { file, ..case.clone() })
        });
        self.tests = Arc::new(tests.collect());
    }

    /// Counts the tests by verdict.
    #[must_use]
    pub fn counts(&self) -> TestCounts {
        let of = |verdict| self.tests.values().filter(|test| test.verdict == verdict).count() as u64;
        TestCounts { passed: of(Verdict::Passed), failed: of(Verdict::Failed), skipped: of(Verdict::Skipped) }
    }
}
