//! Events about how a patch touches the tests that are to verify it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RelPath;

/// Changes of the patch that touch tests, or how they are run (event `tests_touched`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsTouched {
    /// All hunks that touch tests, or how they are run.
    pub flags: Vec<TamperFlag>,
    /// Why the patch is refused: the flags that weaken tests, and edits of tests that failed at the start and pass now.
    pub refused_for: Vec<TamperFlag>,
    /// What allows the changes, such as `--allow-test-edits`; then nothing is refused.
    pub allowed: Option<String>,
}

/// A hunk that changes what the tests prove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TamperFlag {
    /// Path of the file.
    pub path: RelPath,
    /// First line of the change in the new file, or in the old file if lines were only removed.
    pub line: u64,
    /// Kind of the change.
    pub kind: TamperKind,
    /// True if tests prove less afterwards; such a patch is refused.
    pub weakens: bool,
    /// Why it is flagged: a sentence for people and for the model.
    pub reason: String,
    /// Test functions that the hunk touches, if the language is known.
    pub tests: Vec<String>,
}

/// How a hunk affects tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TamperKind {
    /// A test, or a file of tests, was removed.
    TestRemoved,
    /// A test is skipped, ignored or expected to fail.
    TestSkipped,
    /// A test was renamed so that its runner no longer finds it.
    TestHidden,
    /// An assertion was removed.
    AssertionRemoved,
    /// An assertion requires less.
    AssertionLoosened,
    /// A test expects another value.
    ExpectationChanged,
    /// A recorded snapshot differs.
    SnapshotChanged,
    /// The way that tests are found and run was changed.
    RunnerChanged,
    /// A test has the same assertions, but other code.
    TestEdited,
    /// The program ends early, or its exit code is set.
    EarlyExit,
    /// Something replaces the runner, its functions or the code under test.
    Shadowed,
    /// Code checks whether it runs under test.
    TestDetected,
}
