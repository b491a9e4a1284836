//! Law 7: the outcome is computed from why the run stopped, the patch and the tests. No word of the model counts.

use super::Latest;
use crate::journal::{Outcome, StopReason};
use crate::model::ModelError;

/// What a run came to, before anything is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// What stands behind it, in one line.
    pub detail: String,
}

/// Decides.
#[must_use]
pub fn decide(reason: StopReason, why: &str, model_error: Option<&ModelError>, latest: Latest<'_>) -> Decision {
    let (outcome, detail) = match reason {
        StopReason::Finished => return by_evidence(why, latest),
        StopReason::Interrupted => (Outcome::Interrupted, why.to_owned()),
        StopReason::ModelFailed => (model_error.map_or(Outcome::Internal, ModelError::outcome), why.to_owned()),
        StopReason::StorageFailed => (Outcome::Storage, why.to_owned()),
        StopReason::WorkerFailed | StopReason::ReasoningLost | StopReason::PrefixBroken => {
            (Outcome::Internal, why.to_owned())
        }
        StopReason::MaxTurns
        | StopReason::MaxTokens
        | StopReason::MaxCost
        | StopReason::MaxTime
        | StopReason::ContextFull
        | StopReason::Repetition => (Outcome::Budget, why.to_owned()),
    };
    Decision { outcome, detail }
}

fn by_evidence(why: &str, latest: Latest<'_>) -> Decision {
    let unverified = |detail: String| Decision { outcome: Outcome::Unverified, detail };
    let Some(patch) = latest.patch.filter(|patch| patch.sha256.is_some()) else {
        return Decision { outcome: Outcome::NoChange, detail: why.to_owned() };
    };
    let Some(tests) = latest.verification else { return unverified("no tests stand behind the patch".to_owned()) };
    if !tests.result.passed {
        return Decision { outcome: Outcome::TestsFailing, detail: format!("{} fails", tests.command) };
    }
    if !latest.is_fresh() {
        return unverified("the tree changed after the last test run".to_owned());
    }
    if tests.result.counts.is_some_and(|counts| counts.passed + counts.failed == 0) {
        return unverified(format!("{} passes, but ran no tests", tests.command));
    }
    if let Some(first) = patch.left_out.first() {
        return unverified(format!("the tests ran on more than the patch holds: {first}"));
    }
    Decision { outcome: Outcome::Verified, detail: format!("{} passes", tests.command) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Digest, PatchWritten, TestCounts, TestPurpose, TestResult, TestsRan};

    fn tests(passed: bool, patch: &str) -> TestsRan {
        TestsRan {
            purpose: TestPurpose::Verification,
            command: "cargo test".into(),
            result: TestResult { passed, exit_code: Some(i32::from(!passed)), stopped: None, counts: None, ms: 1 },
            log: "tests-1.log".into(),
            patch_sha256: Some(Digest::of(patch)),
        }
    }

    fn outcome(reason: StopReason, patch: Option<&str>, tests: Option<&TestsRan>) -> Outcome {
        let patch = PatchWritten { sha256: patch.map(Digest::of), files: vec![], left_out: vec![] };
        decide(reason, "", None, Latest { patch: Some(&patch), verification: tests }).outcome
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
    fn a_run_without_tests_and_a_patch_with_gaps_verify_nothing() {
        let mut nothing = tests(true, "p");
        nothing.result.counts = Some(TestCounts::default());
        assert_eq!(outcome(StopReason::Finished, Some("p"), Some(&nothing)), Outcome::Unverified);
        let sha256 = Some(Digest::of("p"));
        let gap = PatchWritten { sha256, files: vec![], left_out: vec!["x is not in the patch".into()] };
        let passing = tests(true, "p");
        let latest = Latest { patch: Some(&gap), verification: Some(&passing) };
        let decision = decide(StopReason::Finished, "", None, latest);
        assert_eq!(decision.outcome, Outcome::Unverified);
        assert!(decision.detail.contains("x is not in the patch"));
    }

    #[test]
    fn a_limit_is_a_limit_even_when_tests_pass() {
        assert_eq!(outcome(StopReason::MaxTurns, Some("p"), Some(&tests(true, "p"))), Outcome::Budget);
        assert_eq!(outcome(StopReason::Interrupted, Some("p"), Some(&tests(true, "p"))), Outcome::Interrupted);
    }
}
