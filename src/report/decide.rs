//! Law 7: the outcome is computed from why the run stopped, the patch and the tests. No word of the model counts.

use crate::journal::{Outcome, PatchWritten, StopReason, TestsRan};
use crate::model::ModelError;

/// What a run came to, before anything is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// What stands behind it, in one line.
    pub detail: String,
}

/// Decides. `tests` is the last run that kcode made to verify.
#[must_use]
pub fn decide(
    reason: StopReason,
    why: &str,
    model_error: Option<&ModelError>,
    patch: &PatchWritten,
    tests: Option<&TestsRan>,
) -> Decision {
    let (outcome, detail) = match reason {
        StopReason::Finished => return by_evidence(why, patch, tests),
        StopReason::Interrupted => (Outcome::Interrupted, why.to_owned()),
        StopReason::ModelFailed => (model_error.map_or(Outcome::Internal, ModelError::outcome), why.to_owned()),
        StopReason::WorkerFailed | StopReason::ReasoningLost => (Outcome::Internal, why.to_owned()),
        StopReason::MaxTurns
        | StopReason::MaxTokens
        | StopReason::MaxCost
        | StopReason::MaxTime
        | StopReason::ContextFull
        | StopReason::Repetition => (Outcome::Budget, why.to_owned()),
    };
    Decision { outcome, detail }
}

fn by_evidence(why: &str, patch: &PatchWritten, tests: Option<&TestsRan>) -> Decision {
    let (outcome, detail) = match (patch.sha256, tests) {
        (None, _) => (Outcome::NoChange, why.to_owned()),
        (Some(_), None) => (Outcome::Unverified, "no tests stand behind the patch".to_owned()),
        (Some(sha256), Some(tests)) if tests.patch_sha256 != Some(sha256) => {
            (Outcome::Unverified, "the tree changed after the last test run".to_owned())
        }
        (Some(_), Some(tests)) if tests.passed => (Outcome::Verified, format!("{} passes", tests.command)),
        (Some(_), Some(tests)) => (Outcome::TestsFailing, format!("{} fails", tests.command)),
    };
    Decision { outcome, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Digest, TestPurpose};

    fn tests(passed: bool, patch: &str) -> TestsRan {
        TestsRan {
            purpose: TestPurpose::Verification,
            command: "cargo test".into(),
            passed,
            exit_code: Some(i32::from(!passed)),
            stopped: None,
            counts: None,
            ms: 1,
            log: "tests-1.log".into(),
            patch_sha256: Some(Digest::of(patch)),
        }
    }

    fn outcome(reason: StopReason, patch: Option<&str>, tests: Option<&TestsRan>) -> Outcome {
        let patch = PatchWritten { sha256: patch.map(Digest::of), files: vec![], left_out: vec![] };
        decide(reason, "", None, &patch, tests).outcome
    }

    #[test]
    fn only_fresh_passing_tests_verify() {
        let finished = StopReason::Finished;
        assert_eq!(outcome(finished, Some("p"), Some(&tests(true, "p"))), Outcome::Verified);
        assert_eq!(outcome(finished, Some("p"), Some(&tests(false, "p"))), Outcome::TestsFailing);
        assert_eq!(outcome(finished, Some("p"), Some(&tests(true, "older"))), Outcome::Unverified);
        assert_eq!(outcome(finished, Some("p"), None), Outcome::Unverified);
        assert_eq!(outcome(finished, None, Some(&tests(true, "p"))), Outcome::NoChange);
    }

    #[test]
    fn a_limit_is_a_limit_even_when_tests_pass() {
        assert_eq!(outcome(StopReason::MaxTurns, Some("p"), Some(&tests(true, "p"))), Outcome::Budget);
        assert_eq!(outcome(StopReason::Interrupted, Some("p"), Some(&tests(true, "p"))), Outcome::Interrupted);
    }
}
