//! Law 7: the outcome is computed from why the run stopped, the patch and the tests. No word of the model counts.

use super::Latest;
use crate::journal::{Matrix, Outcome, Reproduced, StopReason, TestsRan};
use crate::model::ModelError;
use crate::render::counted;

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
    let failing = |detail: String| Decision { outcome: Outcome::TestsFailing, detail };
    if let Some(tests) = latest.verification.filter(|tests| !tests.result.passed) {
        let because = tests.result.contradiction.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        return failing(format!("{} fails{because}{}", tests.command, latest.matrix.map_or_else(String::new, blame)));
    }
    if let Some(flag) = latest.touched.and_then(|touched| touched.refused_for.first()) {
        let detail = format!("the patch makes tests prove less: {}:{}: {}", flag.path, flag.line, flag.reason);
        return Decision { outcome: Outcome::Refused, detail };
    }
    let Some(tests) = latest.verification else { return unverified("no tests stand behind the patch".to_owned()) };
    if !latest.is_fresh() {
        return unverified("the tree changed after the last test run".to_owned());
    }
    let any = |ran: &TestsRan| ran.result.counts.filter(|counts| counts.passed + counts.failed > 0);
    if let (Some(before), None) = (latest.baseline.and_then(any), tests.result.counts) {
        let ran = before.passed + before.failed;
        return failing(format!(
            "{} ran {ran} tests before the patch, and now ends without a word of them",
            tests.command
        ));
    }
    if tests.result.counts.is_some_and(|counts| counts.passed + counts.failed == 0) {
        return unverified(format!("{} passes, but ran no tests", tests.command));
    }
    if let Some(first) = patch.left_out.first() {
        return unverified(format!("the tests ran on more than the patch holds: {first}"));
    }
    let credit = latest.matrix.map_or_else(String::new, credit) + &asked_for(latest);
    Decision { outcome: Outcome::Verified, detail: format!("{} passes{credit}", tests.command) }
}

/// What of the failures is the patch's.
fn blame(matrix: &Matrix) -> String {
    let mut told = String::new();
    for (what, tests) in [("broken", &matrix.broken), ("new and failing", &matrix.new_failing)] {
        told.push_str(&named(what, tests));
    }
    if told.is_empty() && !matrix.still_failing.is_empty() {
        return format!(" · nothing broken, {} as before", counted(matrix.still_failing.len(), "failure"));
    }
    told + &named("still failing", &matrix.still_failing)
}

/// What the patch did for the tests, and what else has to be known.
fn credit(matrix: &Matrix) -> String {
    let lists = [
        ("fixed", &matrix.fixed),
        ("new", &matrix.new),
        ("removed", &matrix.removed),
        ("now skipped", &matrix.newly_skipped),
        ("flaky", &matrix.flaky),
    ];
    let told: String = lists.into_iter().map(|(what, tests)| named(what, tests)).collect();
    format!("{told} · nothing broken")
}

/// What flags asked for besides passing tests.
fn asked_for(latest: Latest<'_>) -> String {
    let fixed = latest.matrix.map_or(&[][..], |matrix| &matrix.fixed);
    let shown = latest.reproduced.map_or_else(String::new, |told| match told.state {
        // That one was fixed says so already.
        Reproduced::Yes if told.by.iter().all(|test| fixed.contains(test)) => String::new(),
        Reproduced::Yes => named("reproduced by", &told.by),
        Reproduced::No | Reproduced::NotChecked if told.asked => " · not reproduced".to_owned(),
        Reproduced::No | Reproduced::NotChecked => String::new(),
    });
    let smaller = latest.minimized.filter(|minimized| minimized.why.is_none()).map_or_else(String::new, |minimized| {
        format!(" · {} of {} needed", minimized.hunks_after, counted(minimized.hunks_before as usize, "hunk"))
    });
    shown + &smaller
}

/// ` · fixed a.b and 2 more`.
fn named(what: &str, tests: &[String]) -> String {
    match tests {
        [] => String::new(),
        [only] => format!(" · {what} {only}"),
        [first, rest @ ..] => format!(" · {what} {first} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Digest, PatchWritten, TestCounts, TestPurpose, TestResult, TestsRan};

    fn tests(passed: bool, patch: &str) -> TestsRan {
        TestsRan {
            purpose: TestPurpose::Verification,
            command: "cargo test".into(),
            result: TestResult {
                passed,
                exit_code: Some(i32::from(!passed)),
                stopped: None,
                counts: None,
                ms: 1,
                contradiction: None,
            },
            log: "tests-1.log".into(),
            patch_sha256: Some(Digest::of(patch)),
            tree: None,
            start_tree: None,
            cached: false,
        }
    }

    fn outcome(reason: StopReason, patch: Option<&str>, tests: Option<&TestsRan>) -> Outcome {
        let patch = PatchWritten { sha256: patch.map(Digest::of), files: vec![], left_out: vec![] };
        decide(reason, "", None, Latest { patch: Some(&patch), verification: tests, ..Latest::default() }).outcome
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
        let latest = Latest { patch: Some(&gap), verification: Some(&passing), ..Latest::default() };
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
