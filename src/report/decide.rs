//! Law 7: the outcome is computed from the stop reason, the patch and the test results. The model's words don't count.

use std::fmt::Write as _;

use super::{CheckState, Latest, LatestCheck};
use crate::journal::{CheckChosen, Digest, Matrix, Outcome, Reproduced, StopReason, TestsRan};
use crate::model::ModelError;
use crate::text::counted;

/// Outcome of a run, before anything is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How the run ended.
    pub outcome: Outcome,
    /// The reason for the outcome, in one line.
    pub detail: String,
}

/// Computes the outcome. `why` describes `reason`; `model_error` is the error that ended the run, if one did.
#[must_use]
pub fn decide(reason: StopReason, why: &str, model_error: Option<&ModelError>, latest: Latest<'_>) -> Decision {
    let (outcome, detail) = match reason {
        StopReason::Finished => return by_evidence(why, latest),
        StopReason::Interrupted => (Outcome::Interrupted, why.to_owned()),
        StopReason::ModelFailed => (model_error.map_or(Outcome::Internal, ModelError::outcome), why.to_owned()),
        StopReason::StorageFailed => (Outcome::Storage, why.to_owned()),
        StopReason::TestsCannotRun => (Outcome::Config, why.to_owned()),
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
        let cause = tests.result.why.as_ref().and_then(|why| why.cause.as_ref());
        let cause = cause.map_or_else(String::new, |cause| format!(" · {}", cause.what));
        let blame = latest.matrix.map_or_else(String::new, blame);
        return failing(format!("{} fails{because}{blame}{cause}", tests.command));
    }
    if let Some(flag) = latest.touched.and_then(|touched| touched.refused_for.first()) {
        let detail = format!("the patch makes tests prove less: {}:{}: {}", flag.path, flag.line, flag.reason);
        return Decision { outcome: Outcome::Refused, detail };
    }
    if let Some(missing) = latest.checks.iter().find_map(|check| missing(check, latest.sha256())) {
        return missing;
    }
    let Some(tests) = latest.verification else { return unverified("no tests verified the patch".to_owned()) };
    if !latest.is_fresh() {
        return unverified("the tree changed after the last test run".to_owned());
    }
    if let (Some(before), None) = (latest.baseline.and_then(how_many), tests.result.counts) {
        return failing(silenced(&tests.command, before));
    }
    if tests.result.counts.is_some_and(|counts| counts.passed + counts.failed == 0) {
        return unverified(format!("{} passes, but ran no tests", tests.command));
    }
    if let Some(first) = patch.left_out.first() {
        return unverified(format!("the tests ran on more than the patch holds: {first}"));
    }
    let credit = latest.matrix.map_or_else(String::new, credit) + &asked_for(&latest) + &of_checks(latest.checks);
    Decision { outcome: Outcome::Verified, detail: format!("{} passes{credit}", tests.command) }
}

/// Why a check prevents the patch from being verified, if it does.
fn missing(check: &LatestCheck<'_>, patch: Option<Digest>) -> Option<Decision> {
    let CheckChosen { name, command, required, .. } = check.chosen;
    let failing = |detail| Some(Decision { outcome: Outcome::TestsFailing, detail });
    let passed = check.after.filter(|ran| ran.result.passed);
    match (passed, check.after) {
        _ if !required => None,
        (None, Some(_)) => failing(format!("the check {name} fails ({command}){}", since_when(check.state()))),
        (Some(after), _) if check.is_fresh(patch) => {
            let before = check.baseline.and_then(how_many).filter(|_| how_many(after).is_none())?;
            failing(silenced(&format!("the check {name}"), before))
        }
        _ => Some(Decision {
            outcome: Outcome::Unverified,
            detail: format!("the check {name} has not run on the tree that the patch makes"),
        }),
    }
}

/// Number of tests that ran; `None` if it is 0 or unknown.
fn how_many(ran: &TestsRan) -> Option<u64> {
    ran.result.counts.map(|counts| counts.passed + counts.failed).filter(|ran| *ran > 0)
}

fn silenced(who: &str, before: u64) -> String {
    format!("{who} ran {before} tests before the patch, and now reports none")
}

/// Says whether the patch broke a failing check, and what the user can do if it didn't.
fn since_when(state: CheckState) -> &'static str {
    match state {
        CheckState::Broken => " · it passed before",
        CheckState::StillFailing => {
            " · still failing: it failed before the patch, too (`required = false` lets patches pass all the same)"
        }
        _ => "",
    }
}

/// Says how many checks pass, and which optional ones fail.
fn of_checks(checks: Vec<LatestCheck<'_>>) -> String {
    let (passing, failing): (Vec<_>, Vec<_>) =
        checks.into_iter().partition(|check| check.after.is_some_and(|ran| ran.result.passed));
    let mut told = String::new();
    if !passing.is_empty() {
        told = format!(" · {} passed", counted(passing.len(), "check"));
    }
    for check in failing {
        let name = &check.chosen.name;
        // Writing to a String can't fail.
        let _ = write!(told, " · {name} {}, not required", check.state().name());
    }
    told
}

/// Says which failures the patch caused.
fn blame(matrix: &Matrix) -> String {
    let mut told = String::new();
    for (what, tests) in [("broken", &matrix.broken), ("new and failing", &matrix.new_failing)] {
        told.push_str(&named(what, tests));
    }
    if told.is_empty() && !matrix.still_failing.is_empty() {
        let failures = counted(matrix.still_failing.len(), "failure");
        return format!(" · nothing broken, {failures} as before: {}", enumerated(&matrix.still_failing));
    }
    told + &named("still failing", &matrix.still_failing)
}

/// Says what the patch changed about the tests, for better or worse.
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

/// Results of `--reproduce` and `--minimize`.
fn asked_for(latest: &Latest<'_>) -> String {
    let fixed = latest.matrix.map_or(&[][..], |matrix| &matrix.fixed);
    let shown = latest.reproduced.map_or_else(String::new, |told| match told.state {
        // The list of fixed tests says so already.
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

/// Formats a list as ` · fixed a.b and 2 more`.
fn named(what: &str, tests: &[String]) -> String {
    if tests.is_empty() { String::new() } else { format!(" · {what} {}", enumerated(tests)) }
}

/// Formats a list as `a.b and 2 more`.
fn enumerated(tests: &[String]) -> String {
    match tests {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{PatchWritten, Reproduction, TestCounts, TestPurpose, TestResult, TestsRan};

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
                why: None,
            },
            log: "tests-1.log".into(),
            patch_sha256: Some(Digest::of(patch)),
            tree: None,
            start_tree: None,
            cached: false,
            counted: None,
            only_failed: false,
        }
    }

    fn outcome(reason: StopReason, patch: Option<&str>, tests: Option<&TestsRan>) -> Outcome {
        let patch = PatchWritten { sha256: patch.map(Digest::of), files: vec![], ..PatchWritten::default() };
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
        let gap = PatchWritten {
            sha256,
            files: vec![],
            left_out: vec!["x is not in the patch".into()],
            ..PatchWritten::default()
        };
        let passing = tests(true, "p");
        let latest = Latest { patch: Some(&gap), verification: Some(&passing), ..Latest::default() };
        let decision = decide(StopReason::Finished, "", None, latest);
        assert_eq!(decision.outcome, Outcome::Unverified);
        assert!(decision.detail.contains("x is not in the patch"));
    }

    fn with_check(required: bool, baseline: Option<&TestsRan>, after: Option<&TestsRan>) -> Decision {
        let (name, command, origin) = ("lint".to_owned(), "make lint".to_owned(), ".kcode.toml".to_owned());
        let chosen = CheckChosen { name, command, dir: None, origin, required };
        let checks = vec![LatestCheck { chosen: &chosen, baseline, after }];
        let patch = PatchWritten { sha256: Some(Digest::of("p")), files: vec![], ..PatchWritten::default() };
        let passing = tests(true, "p");
        let latest = Latest { patch: Some(&patch), verification: Some(&passing), checks, ..Latest::default() };
        decide(StopReason::Finished, "", None, latest)
    }

    #[test]
    fn a_required_check_has_to_pass_on_the_very_patch() {
        let (passes, fails, older) = (tests(true, "p"), tests(false, "p"), tests(true, "older"));
        for (baseline, after, outcome) in [
            (None, Some(&passes), Outcome::Verified),
            (Some(&fails), Some(&passes), Outcome::Verified),
            (None, Some(&fails), Outcome::TestsFailing),
            (Some(&passes), Some(&fails), Outcome::TestsFailing),
            (Some(&fails), Some(&fails), Outcome::TestsFailing),
            (None, Some(&older), Outcome::Unverified),
            (None, None, Outcome::Unverified),
        ] {
            assert_eq!(with_check(true, baseline, after).outcome, outcome, "{baseline:?} {after:?}");
            assert_eq!(with_check(false, baseline, after).outcome, Outcome::Verified);
        }
        assert!(with_check(true, Some(&fails), Some(&fails)).detail.contains("it failed before the patch, too"));
    }

    #[test]
    fn a_check_that_ran_tests_and_now_runs_none_has_not_passed() {
        let (mut many, none) = (tests(true, "p"), tests(true, "p"));
        many.result.counts = Some(TestCounts { passed: 3, failed: 0, skipped: 0 });
        assert_eq!(with_check(true, Some(&many), Some(&none)).outcome, Outcome::TestsFailing);
        assert_eq!(with_check(true, Some(&many), Some(&many)).outcome, Outcome::Verified);
    }

    #[test]
    fn tests_that_ran_before_and_are_not_told_of_now_have_not_passed() {
        let counted = |passed, failed| {
            let mut ran = tests(true, "p");
            ran.result.counts = Some(TestCounts { passed, failed, skipped: 0 });
            ran
        };
        let (none, silent, many, only_failing) = (counted(0, 0), tests(true, "p"), counted(3, 0), counted(0, 2));
        let patch = PatchWritten { sha256: Some(Digest::of("p")), ..PatchWritten::default() };
        for (baseline, after, outcome) in [
            (Some(&many), &silent, Outcome::TestsFailing),
            (Some(&only_failing), &silent, Outcome::TestsFailing),
            (Some(&many), &many, Outcome::Verified),
            (Some(&none), &silent, Outcome::Verified),
            (Some(&silent), &silent, Outcome::Verified),
            (None, &silent, Outcome::Verified),
        ] {
            let latest = Latest { patch: Some(&patch), verification: Some(after), baseline, ..Latest::default() };
            let decision = decide(StopReason::Finished, "", None, latest);
            assert_eq!(decision.outcome, outcome, "{baseline:?} {after:?}: {}", decision.detail);
        }
    }

    #[test]
    fn a_limit_is_a_limit_even_when_tests_pass() {
        assert_eq!(outcome(StopReason::MaxTurns, Some("p"), Some(&tests(true, "p"))), Outcome::Budget);
        assert_eq!(outcome(StopReason::Interrupted, Some("p"), Some(&tests(true, "p"))), Outcome::Interrupted);
    }

    /// The detail of a run whose tests pass or fail with this matrix and reproduction.
    fn detail(passed: bool, matrix: &Matrix, reproduced: Option<&Reproduction>) -> String {
        let (patch, ran) =
            (PatchWritten { sha256: Some(Digest::of("p")), ..PatchWritten::default() }, tests(passed, "p"));
        let (matrix, verification) = (Some(matrix), Some(&ran));
        let latest = Latest { patch: Some(&patch), verification, matrix, reproduced, ..Latest::default() };
        decide(StopReason::Finished, "", None, latest).detail
    }

    fn named_tests(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_detail_of_a_failure_names_what_the_patch_broke_and_what_failed_before() {
        let told = |broken: &[&str], still_failing: &[&str]| {
            let (broken, still_failing) = (named_tests(broken), named_tests(still_failing));
            detail(false, &Matrix { broken, still_failing, ..Matrix::default() }, None)
        };
        assert_eq!(told(&[], &[]), "cargo test fails");
        assert_eq!(told(&["a"], &[]), "cargo test fails · broken a");
        assert_eq!(told(&["a"], &["b", "c", "d"]), "cargo test fails · broken a · still failing b and 2 more");
        assert_eq!(told(&[], &["b", "c"]), "cargo test fails · nothing broken, 2 failures as before: b and 1 more");
    }

    #[test]
    fn the_detail_of_a_success_names_what_the_patch_fixed_and_whether_a_test_shows_it() {
        let matrix = Matrix { fixed: named_tests(&["a", "b"]), ..Matrix::default() };
        let told = |reproduced: Reproduction| detail(true, &matrix, Some(&reproduced));
        let plain = "cargo test passes · fixed a and 1 more · nothing broken";
        assert_eq!(told(Reproduction::by(named_tests(&["a"]), "")), plain, "that is among the fixed ones");
        assert_eq!(
            told(Reproduction::by(named_tests(&["a", "c"]), "")),
            format!("{plain} · reproduced by a and 1 more")
        );
        assert_eq!(told(Reproduction::no("")), plain, "nobody asked");
        assert_eq!(told(Reproduction { asked: true, ..Reproduction::no("") }), format!("{plain} · not reproduced"));
    }

    #[test]
    fn the_detail_tells_of_checks_that_pass_and_of_those_that_fail() {
        let (passes, fails) = (tests(true, "p"), tests(false, "p"));
        let told = |required, baseline, after| with_check(required, Some(baseline), Some(after)).detail;
        assert_eq!(told(true, &passes, &passes), "cargo test passes · 1 check passed");
        assert_eq!(told(false, &passes, &fails), "cargo test passes · lint broken, not required");
        assert_eq!(told(true, &passes, &fails), "the check lint fails (make lint) · it passed before");
        let mut many = tests(true, "p");
        many.result.counts = Some(TestCounts { passed: 3, failed: 0, skipped: 0 });
        let silenced = "the check lint ran 3 tests before the patch, and now reports none";
        assert_eq!(told(true, &many, &passes), silenced);
    }

    #[test]
    fn as_many_failures_as_passes_are_tests_that_ran() {
        let mut ran = tests(true, "p");
        ran.result.counts = Some(TestCounts { passed: 2, failed: 2, skipped: 0 });
        assert_eq!(outcome(StopReason::Finished, Some("p"), Some(&ran)), Outcome::Verified);
    }
}
