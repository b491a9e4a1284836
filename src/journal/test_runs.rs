//! Events about the chosen test commands and their runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath, WhyFailed};

/// The test command and the checks of a run (event `tests_chosen`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsChosen {
    /// The command as a person would type it; `None` if none is known or with `--no-verify`.
    pub command: Option<String>,
    /// Where the command comes from, such as `found in Cargo.toml` or `--test`.
    pub origin: String,
    /// Further commands that check a patch, in the order in which they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckChosen>,
}

/// A command that checks a patch besides the tests; also see `Event::CheckAdded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckChosen {
    /// Name from the settings; for the tests of another project, its folder with a trailing slash.
    pub name: String,
    /// The command as a person would type it.
    pub command: String,
    /// Folder in which it runs; `None` is the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RelPath>,
    /// Where the command comes from.
    pub origin: String,
    /// False if a patch may fail it.
    pub required: bool,
}

/// A run of a check (event `check_ran`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRan {
    /// Name of the check.
    pub name: String,
    /// The run, as for tests.
    #[serde(flatten)]
    pub ran: TestsRan,
}

/// A run of the tests (event `tests_ran`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsRan {
    /// Who requested the run, and on which tree.
    pub purpose: TestPurpose,
    /// The command as typed, including any filter.
    pub command: String,
    /// Result of the run.
    #[serde(flatten)]
    pub result: TestResult,
    /// Name of the log in the run's `logs` folder.
    pub log: String,
    /// SHA-256 of the patch in the view during the run; `None` for the start state and for a trial.
    pub patch_sha256: Option<Digest>,
    /// Git's id of the tree under test, if known.
    #[serde(default)]
    pub tree: Option<String>,
    /// Git's id of the tree that the run started from, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_tree: Option<String>,
    /// True if this is the result of an earlier run on the same tree, whose log isn't kept here.
    #[serde(default)]
    pub cached: bool,
    /// The model's own earlier run of the same command on the same tree, which also counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountedRun>,
    /// True if only those tests ran that had failed on the same tree before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_failed: bool,
}

/// A test run that the model requested and that kcode counts as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountedRun {
    /// Name of its log, which identifies it among the model's runs.
    pub log: String,
    /// True if the run passed, by the same rules as every test run.
    pub passed: bool,
}

/// Result of one run of the test command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// True if the exit code is 0, kcode didn't end the run, and the runner's report doesn't contradict it.
    pub passed: bool,
    /// Exit code; `None` if a signal ended the command.
    pub exit_code: Option<i32>,
    /// Why kcode ended the run, if it did: `deadline`, `idle`, `watch`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// The runner's own counts, if its output is understood.
    pub counts: Option<TestCounts>,
    /// Milliseconds the run took.
    pub ms: u64,
    /// What in the runner's report contradicts exit code 0, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<String>,
    /// Why the run failed, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyFailed>,
}

/// Who requested a test run, and on which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestPurpose {
    /// The model, with the tool `run_tests`.
    Model,
    /// kcode, to decide the outcome.
    Verification,
    /// kcode, on the start state.
    Baseline,
    /// kcode, on what a review accepted of the patch.
    Review,
    /// kcode, on the start state with a part of the patch.
    Trial,
}

/// Numbers of tests, as the runner reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed or had an error.
    pub failed: u64,
    /// Tests that were skipped or ignored.
    pub skipped: u64,
}
