//! How a run or a command ends: the one table of exit codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Result of a run or command. Each has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A patch was made and the tests pass after the last edit; for other commands: done.
    Verified,
    /// A bug in kcode.
    Internal,
    /// Invalid arguments.
    Usage,
    /// The run ended without a patch.
    NoChange,
    /// The patch is kept, but no tests could verify it.
    Unverified,
    /// The patch is kept, but tests fail.
    TestsFailing,
    /// A limit was reached; what exists is kept.
    Budget,
    /// The sandbox can't be set up under `strict`, tests were weakened, files changed under a patch that was to be
    /// applied, or `verify` found something else than the report says.
    Refused,
    /// A replay differs from the recorded run.
    Diverged,
    /// The provider refuses for good: unknown model, bad request, quota.
    ModelRejected,
    /// The disk is full, over its quota, read-only or broken.
    Storage,
    /// Overload, rate limit or network failure, after all retries.
    TryAgain,
    /// The provider refused the key: 401 or 403.
    Unauthorized,
    /// Settings can't be used, or the tests can't run on this machine.
    Config,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Outcome {
    /// Every outcome, in the order of exit codes; the docs are generated from it.
    pub const ALL: [Self; 15] = [
        Self::Verified,
        Self::Internal,
        Self::Usage,
        Self::NoChange,
        Self::Unverified,
        Self::TestsFailing,
        Self::Budget,
        Self::Refused,
        Self::Diverged,
        Self::ModelRejected,
        Self::Storage,
        Self::TryAgain,
        Self::Unauthorized,
        Self::Config,
        Self::Interrupted,
    ];

    /// Exit code of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::NoChange => 3,
            Self::Unverified => 4,
            Self::TestsFailing => 5,
            Self::Budget => 6,
            Self::Refused => 7,
            Self::Diverged => 8,
            Self::ModelRejected => 69,
            Self::Storage => 74,
            Self::TryAgain => 75,
            Self::Unauthorized => 77,
            Self::Config => 78,
            Self::Interrupted => 130,
        }
    }

    /// True if the run stopped before its end, so that `kcode resume` can continue it.
    #[must_use]
    pub const fn is_resumable(self) -> bool {
        matches!(
            self,
            Self::Interrupted
                | Self::Budget
                | Self::Storage
                | Self::TryAgain
                | Self::ModelRejected
                | Self::Unauthorized
                | Self::Config
                | Self::Internal
        )
    }

    /// Name in reports and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::NoChange => "no_change",
            Self::Unverified => "unverified",
            Self::TestsFailing => "tests_failing",
            Self::Budget => "budget",
            Self::Refused => "refused",
            Self::Diverged => "diverged",
            Self::ModelRejected => "model_rejected",
            Self::Storage => "storage",
            Self::TryAgain => "try_again",
            Self::Unauthorized => "unauthorized",
            Self::Config => "config",
            Self::Interrupted => "interrupted",
        }
    }

    /// Name for people, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoChange => "no change",
            Self::TestsFailing => "tests failing",
            Self::ModelRejected => "rejected by the provider",
            Self::TryAgain => "try again",
            other => other.name(),
        }
    }

    /// Meaning for people, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Verified => "patch made, tests and checks pass after the last edit (for other commands: done)",
            Self::Internal => "a bug in kcode",
            Self::Usage => "bad arguments",
            Self::NoChange => "the run ended without a patch",
            Self::Unverified => "patch kept, but no tests could verify it",
            Self::TestsFailing => "patch kept, tests or a required check fail",
            Self::Budget => "a limit was reached; what exists is kept",
            Self::Refused => {
                "the sandbox can't be built under strict, tests were weakened, files changed under a patch, or `verify` found \
                 something else than the report says"
            }
            Self::Diverged => "a replay differs from the recorded run",
            Self::ModelRejected => "the provider refuses for good: unknown model, bad request, quota",
            Self::Storage => "the disk is full, over its quota, read-only or broken; what was written is kept",
            Self::TryAgain => "overload, rate limit or network, after the retries",
            Self::Unauthorized => "the provider refused the key (401 or 403)",
            Self::Config => "settings can't be used, or the tests can't run here",
            Self::Interrupted => "Ctrl-C or SIGTERM",
        }
    }
}

/// Why the conversation ended. The outcome is computed from this and the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model ended its turn, and verification had nothing left to send back.
    Finished,
    /// `--max-turns` was reached.
    MaxTurns,
    /// `--max-tokens`: the next request could exceed it.
    MaxTokens,
    /// `--max-cost`: the next request could exceed it.
    MaxCost,
    /// `--max-time` was reached.
    MaxTime,
    /// The conversation no longer fits the model's context window.
    ContextFull,
    /// The model made the same call with the same result five times.
    Repetition,
    /// No test can run on this machine, whatever the patch is.
    TestsCannotRun,
    /// The model failed for good; the error's class decides the outcome.
    ModelFailed,
    /// Law 4: reasoning that was received is missing from what would be sent.
    ReasoningLost,
    /// Law 5: a request would not begin with the bytes of the one before.
    PrefixBroken,
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// The worker or the view failed.
    WorkerFailed,
    /// The disk failed under the journal, the patch or the view.
    StorageFailed,
}

impl StopReason {
    /// True if the run could have gone on with more turns, tokens, money, time or context.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::MaxTurns | Self::MaxTokens | Self::MaxCost | Self::MaxTime | Self::ContextFull | Self::Repetition
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct_and_names_match_serde() {
        let mut codes: Vec<u8> = Outcome::ALL.iter().map(|outcome| outcome.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Outcome::ALL.len());
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::json!(outcome), outcome.name());
            assert!(!outcome.words().contains('_'));
        }
    }
}
