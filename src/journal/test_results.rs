//! How each test went, as its runner says: what parsers make of a report or of output, and what the matrix compares.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TestCounts, shared};

/// What one run of a test command said of single tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResults {
    /// What was read, such as `pytest, JUnit XML` or `libtest, text`.
    pub source: String,
    /// By a name that is the same in every run of the same test: `tests.test_core.T::test_add`, `core::tests::adds`.
    /// The names are [`shared`] between runs, and the whole between those who look at one.
    pub tests: Arc<BTreeMap<Arc<str>, TestCase>>,
    /// The runner came to its own end and said so; false when it crashed or its output was cut off.
    pub complete: bool,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// How it went.
    pub verdict: Verdict,
    /// What the runner said of a failure: the assertion and the lines that belong to it, capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The file that it stands in or that its failure points to, where the runner says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
}

/// How a test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passed, or failed as it was expected to.
    Passed,
    /// It failed, or couldn't be run.
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
    /// Has the names of other runs in the place of its own.
    pub fn share_names(&mut self) {
        let tests = self.tests.iter().map(|(name, case)| {
            let file = case.file.as_deref().map(shared);
            (shared(name), TestCase { file, ..case.clone() })
        });
        self.tests = Arc::new(tests.collect());
    }

    /// How many there are of each.
    #[must_use]
    pub fn counts(&self) -> TestCounts {
        let of = |verdict| self.tests.values().filter(|test| test.verdict == verdict).count() as u64;
        TestCounts { passed: of(Verdict::Passed), failed: of(Verdict::Failed), skipped: of(Verdict::Skipped) }
    }
}
