//! Events about how a run begins, resumes and ends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Outcome, RelPath, RunId, StopReason, Tokens, Usd};

/// Version of the rules by which tests are run and counted (`docs/architecture.md`, "How often tests run"). Version 1:
/// kcode runs everything itself. Version 2: the model's own runs on the same tree count, too. A replay uses the version
/// of its recording.
pub const TEST_RULES: u32 = 2;

const fn first_rules() -> u32 {
    1
}

/// Start of a run: everything that was decided before its first step (event `run_started`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The run's id.
    pub run: RunId,
    /// Version of kcode.
    pub version: String,
    /// The task as given.
    pub task: String,
    /// Root of the repository.
    pub repository: String,
    /// The folder below the root that the user was in; `None` if it is the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<RelPath>,
    /// The commit of HEAD, if there is one.
    pub head: Option<String>,
    /// Requested model.
    pub model: String,
    /// Base URL of requests.
    pub base_url: String,
    /// Sandbox mode: `strict`, `auto` or `off`.
    pub sandbox: String,
    /// Limits of the run (law 6).
    pub limits: Limits,
    /// Cache key of the conversation.
    pub cache_key: String,
    /// Further flags of the run; a resumed run keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<RunFlag>,
    /// Command of `--test`; `None` without one, or if it contains a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// Globs of files written by commands that become part of the patch, from flags and settings. `None` in runs of
    /// older versions, whose patch holds every difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<String>>,
    /// Those of `writes` that only the repository's own settings file names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_writes: Vec<String>,
    /// Version of the rules by which tests are run and counted: 1 or missing, kcode runs everything itself; 2, the
    /// model's own runs on the same tree count, too.
    #[serde(default = "first_rules")]
    pub test_rules: u32,
    /// Additional folders and files of the machine that tests may read, by flags; absolute paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The run whose conversation this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
    /// The texts of people that the task quotes, as they came, with everything that hides in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quoted: Vec<TaskQuotation>,
}

/// A text of somebody outside that a task quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskQuotation {
    /// What it is and who wrote it.
    pub origin: String,
    /// The text as it came.
    pub text: String,
}

/// The run that a follow-up task continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Follows {
    /// Id of the run before.
    pub run: RunId,
    /// SHA-256 of `inherited.jsonl` in this run's folder: the events of that run and of the runs before it.
    pub inherited_sha256: Digest,
    /// What the model is told about its changes so far, before the task.
    pub told: String,
}

/// A flag of a run other than its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunFlag {
    /// `--no-verify`
    NoVerify,
    /// `--no-baseline`
    NoBaseline,
    /// `--reproduce`
    Reproduce,
    /// `--minimize`
    Minimize,
    /// `--allow-test-edits`
    AllowTestEdits,
    /// `--allow-failing-setup`
    AllowFailingSetup,
}

/// A run was resumed in a new process (event `resumed`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// Id of the run.
    pub run: RunId,
    /// Version of kcode that resumes it.
    pub version: String,
    /// Name of the model.
    pub model: String,
    /// Base URL of requests from now on.
    pub base_url: String,
    /// Sandbox mode: `strict`, `auto` or `off`.
    pub sandbox: String,
    /// As `writes` of `run_started`; applies from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<String>>,
    /// As `repository_writes` of `run_started`; applies from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_writes: Vec<String>,
    /// As `readable` of `run_started`; applies from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The limits from now on. Turns, tokens, money and running time count from the first start.
    pub limits: Limits,
}

/// Hard limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Maximum number of the model's replies.
    pub max_turns: u32,
    /// Maximum input and output tokens of all requests.
    pub max_tokens: Option<Tokens>,
    /// Maximum cost in USD at list price.
    pub max_cost_usd: Option<Usd>,
    /// Maximum time in seconds from launch.
    pub max_time_s: u64,
}

/// The tree from which the run starts (event `start_seen`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartSeen {
    /// Git's id of the tree that the run starts from, including uncommitted changes.
    pub tree: String,
}

/// End of the conversation (event `stopped`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Reason why the conversation ended.
    pub reason: StopReason,
    /// Details, in one line.
    pub detail: String,
}

/// The patch was written to the user's tree (event `applied`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Number of files written to the user's tree.
    pub files: u64,
    /// Those that had changed since the run began, so that the patch was merged into them; no test ran on the result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<RelPath>,
    /// Those that had other names (hard links): the other names keep the old content and are no longer linked to the
    /// file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severed: Vec<RelPath>,
    /// True if only a part of the patch was applied, or hunks as a reviewer rewrote them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// True if the files were staged in git's index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staged: bool,
    /// Branch that was created for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Commit that was created from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// An applied patch was undone (event `undone`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// Number of files restored in the user's tree.
    pub files: u64,
}

/// Processes that were left at the end of the run (event `residue`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Residue {
    /// Number of processes of the run that had to be killed at the end.
    pub killed: u64,
    /// Number of processes that could not be killed.
    pub survivors: u64,
}

impl std::ops::AddAssign for Residue {
    fn add_assign(&mut self, more: Self) {
        self.killed += more.killed;
        self.survivors += more.survivors;
    }
}

/// End of the run (event `run_ended`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// How the run ended.
    pub outcome: Outcome,
    /// Exit code of the outcome.
    pub exit_code: u8,
    /// The reason for the outcome, in one line.
    pub detail: String,
    /// What the user can do about it, if anything.
    pub hint: Option<String>,
}
