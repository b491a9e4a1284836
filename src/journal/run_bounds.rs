//! How a run begins, goes on and ends, as events tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Outcome, RelPath, RunId, StopReason, Tokens, Usd};

/// The rules by which tests are run and counted (`docs/architecture.md`, "How often tests run"). By the first, kcode ran
/// everything itself; by the second, the model's own runs on the same tree count. A replay goes by those of its recording.
pub const TEST_RULES: u32 = 2;

const fn first_rules() -> u32 {
    1
}

/// See `Event::RunStarted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The run's id.
    pub run: RunId,
    /// kcode's version.
    pub version: String,
    /// The task, as given.
    pub task: String,
    /// The repository's root.
    pub repository: String,
    /// The folder below it that the user stood in; `None` is the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<RelPath>,
    /// The commit that HEAD named, if any.
    pub head: Option<String>,
    /// The model that was asked for.
    pub model: String,
    /// Where requests go.
    pub base_url: String,
    /// `strict`, `auto` or `off`.
    pub sandbox: String,
    /// The limits of law 6.
    pub limits: Limits,
    /// The conversation's cache key.
    pub cache_key: String,
    /// What flags asked for besides; a resumed run keeps it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<RunFlag>,
    /// The command of `--test`; `None` without one, and when there is a secret in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What of the files that commands write is part of the patch, as flags and settings name it. `None`: a run of an older
    /// kcode, whose patch is whatever differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<String>>,
    /// Those of `writes` that only the repository's own file names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_writes: Vec<String>,
    /// By which rules tests were run and counted, see [`TEST_RULES`]; a journal that doesn't tell is of the first ones.
    #[serde(default = "first_rules")]
    pub test_rules: u32,
    /// What flags had tests see besides: folders and files of the machine, absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The run whose conversation goes on in this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// What a follow-up task goes on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Follows {
    /// The run before.
    pub run: RunId,
    /// SHA-256 of `inherited.jsonl` in this run's folder: the events of that run and of those that it followed.
    pub inherited_sha256: Digest,
    /// What the model is told of its changes so far, before the task.
    pub told: String,
}

/// A flag of a run that isn't one of its limits.
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

/// See `Event::Resumed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// The run.
    pub run: RunId,
    /// The version that goes on.
    pub version: String,
    /// The model.
    pub model: String,
    /// Where requests go now.
    pub base_url: String,
    /// `strict`, `auto` or `off`.
    pub sandbox: String,
    /// See [`RunStarted::writes`]; from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<Vec<String>>,
    /// See [`RunStarted::repository_writes`]; from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_writes: Vec<String>,
    /// See [`RunStarted::readable`]; from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The limits from now on. Turns, tokens, money and time (while the run ran) count from its first start.
    pub limits: Limits,
}

/// The hard limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Replies of the model.
    pub max_turns: u32,
    /// Input and output tokens over all requests.
    pub max_tokens: Option<Tokens>,
    /// Money at list price.
    pub max_cost_usd: Option<Usd>,
    /// Seconds from launch.
    pub max_time_s: u64,
}

/// See `Event::StartSeen`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartSeen {
    /// Git's id of the tree that the run started from, uncommitted changes included.
    pub tree: String,
}

/// See `Event::Stopped`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Why.
    pub reason: StopReason,
    /// In one line.
    pub detail: String,
}

/// See `Event::Applied`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// How many files of the user's tree were written.
    pub files: u64,
    /// Those of them that had changed since the run began, so that the patch was merged into them: no test ran on that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<RelPath>,
    /// Those of them that had other names (hard links): these keep what the file was, and are no names of it any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severed: Vec<RelPath>,
    /// True when it was not the whole patch: what a review accepted of it, or put in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Whether they were staged in git's index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staged: bool,
    /// The branch that was made for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that was made of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// See `Event::Undone`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// How many files of the user's tree were put back.
    pub files: u64,
}

/// See `Event::Residue`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Residue {
    /// Processes of the run that had to be killed at the end.
    pub killed: u64,
    /// Processes that could not be.
    pub survivors: u64,
}

impl std::ops::AddAssign for Residue {
    fn add_assign(&mut self, more: Self) {
        self.killed += more.killed;
        self.survivors += more.survivors;
    }
}

/// See `Event::RunEnded`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// The outcome.
    pub outcome: Outcome,
    /// Its exit code.
    pub exit_code: u8,
    /// In one line: what stands behind it.
    pub detail: String,
    /// What to do about it, when there is something.
    pub hint: Option<String>,
}
