//! What in a patch touches the tests that are to stand behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RelPath;

/// See `Event::TestsTouched`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsTouched {
    /// Every hunk that touches tests, or what they are run by.
    pub flags: Vec<TamperFlag>,
    /// What the patch is refused for: of the flags those that weaken tests, and edits of tests that failed at the start and
    /// pass now.
    pub refused_for: Vec<TamperFlag>,
    /// Who allows it, such as `--allow-test-edits`; nothing is refused then.
    pub allowed: Option<String>,
}

/// A hunk that touches what the tests say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TamperFlag {
    /// The file.
    pub path: RelPath,
    /// The first line of the hunk's change in the new file; in the old one when lines were only removed.
    pub line: u64,
    /// What was done.
    pub kind: TamperKind,
    /// True when tests prove less after it than before; such a patch is refused.
    pub weakens: bool,
    /// Why it is flagged, a sentence for people and for the model.
    pub reason: String,
    /// The functions of tests that the hunk touches, as far as the language is known.
    pub tests: Vec<String>,
}

/// What a hunk does to tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TamperKind {
    /// A test, or a file of tests, is gone.
    TestRemoved,
    /// A test is skipped, ignored or expected to fail.
    TestSkipped,
    /// A test doesn't have a name any more by which its runner finds it.
    TestHidden,
    /// An assertion is gone.
    AssertionRemoved,
    /// An assertion asks for less.
    AssertionLoosened,
    /// What a test expects is another value.
    ExpectationChanged,
    /// A recorded snapshot is another.
    SnapshotChanged,
    /// How tests are found and run was changed.
    RunnerChanged,
    /// A test asserts what it did, but comes to it in another way.
    TestEdited,
    /// The program ends early, or its exit code is set.
    EarlyExit,
    /// Something takes the place of the runner, of its functions or of what is tested.
    Shadowed,
    /// Code asks whether it runs under test.
    TestDetected,
}
