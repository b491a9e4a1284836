//! Which tests a run stands on and how they went, as events tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath, WhyFailed};

/// See `Event::TestsChosen`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsChosen {
    /// The command as a person would type it; `None` when none is known or `--no-verify`.
    pub command: Option<String>,
    /// Where it comes from, such as `found in Cargo.toml` or `--test`.
    pub origin: String,
    /// What a patch has to pass besides, in the order in which it is run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckChosen>,
}

/// A command beside the tests; also see `Event::CheckAdded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckChosen {
    /// As the settings call it; for the tests of another project, its folder with a slash at the end.
    pub name: String,
    /// The command as a person would type it.
    pub command: String,
    /// The folder that it runs in; `None` is the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RelPath>,
    /// Where it comes from.
    pub origin: String,
    /// False when a patch may fail it.
    pub required: bool,
}

/// See `Event::CheckRan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRan {
    /// Which.
    pub name: String,
    /// How it went.
    #[serde(flatten)]
    pub ran: TestsRan,
}

/// See `Event::TestsRan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsRan {
    /// Who asked.
    pub purpose: TestPurpose,
    /// The command as typed, with any filter.
    pub command: String,
    /// How it went.
    #[serde(flatten)]
    pub result: TestResult,
    /// The log's name in the run's folder.
    pub log: String,
    /// SHA-256 of the patch that the view differed by when they ran; `None` for the start state, and for a trial.
    pub patch_sha256: Option<Digest>,
    /// Git's id of the tree that they ran on, where it is known.
    #[serde(default)]
    pub tree: Option<String>,
    /// Git's id of the tree that the run started from, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_tree: Option<String>,
    /// True when this is how an earlier run on the same tree went; its log isn't kept here.
    #[serde(default)]
    pub cached: bool,
    /// The model's own run of the same command on the same tree, which counts as well: it came before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountedRun>,
    /// True when only those tests were run that had failed on the same tree before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_failed: bool,
}

/// A run of the tests that the model asked for and kcode counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountedRun {
    /// Its log's name, by which it is found among the runs of the model.
    pub log: String,
    /// See [`TestResult::passed`].
    pub passed: bool,
}

/// How a run of the test command went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// Exit code 0, not ended by kcode, and not contradicted by the runner's own report.
    pub passed: bool,
    /// The exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// Why kcode ended it, if it did: `deadline`, `idle`, `watch`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// The runner's own count, where its words are known.
    pub counts: Option<TestCounts>,
    /// Milliseconds.
    pub ms: u64,
    /// What in the runner's own report contradicts an exit code 0, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<String>,
    /// What is known of why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyFailed>,
}

/// Who asked for a test run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestPurpose {
    /// The model, by `run_tests`.
    Model,
    /// kcode, to decide the outcome.
    Verification,
    /// kcode, on the start state.
    Baseline,
    /// kcode, on what a person accepted of the patch.
    Review,
    /// kcode, on the start state with a part of the patch.
    Trial,
}

/// How many tests there were, as the runner says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestCounts {
    /// Passed.
    pub passed: u64,
    /// Failed or errored.
    pub failed: u64,
    /// Skipped or ignored.
    pub skipped: u64,
}
