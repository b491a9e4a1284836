//! Tests of the verification at the end of the model's turn.

use std::time::Duration;

use super::environment::{Fate, compared, failing, passing, weakening};
use super::loop_run::{LoopRun, told_of};
use super::model::{Answer, calls, says, writes};
use crate::journal::{CauseKind, Event, FailureCause, Matrix, StopReason, TestPurpose, TestsRan};
use crate::planner::{Judgement, TestRules};
use crate::tools::TestRun;

const PASSED: &str = "the tests pass after the last edit";

fn done() -> Answer {
    says("Done.")
}

/// A run in which the model changes the tree once and ends its turn; the tests have these results.
fn patched(runs: impl IntoIterator<Item = TestRun>) -> LoopRun {
    let mut run = LoopRun::new(vec![writes("x"), done()]);
    run.environment.runs = runs.into_iter().collect();
    run
}

/// The steps from the end of the turn on.
fn verifying(run: &LoopRun) -> Vec<String> {
    let steps = run.steps();
    let begin = steps.iter().position(|step| step == "follow").unwrap_or(steps.len());
    steps[begin..].iter().filter(|step| *step != "trees").cloned().collect()
}

fn tests_that_ran(run: &LoopRun) -> Vec<&TestsRan> {
    let events = run.journal.events.iter();
    events.filter_map(|event| if let Event::TestsRan(ran) = event { Some(ran) } else { None }).collect()
}

#[tokio::test(start_paused = true)]
async fn checks_run_before_the_tests_and_a_pass_is_enough() {
    let mut run = patched([passing("1.log")]);
    run.environment.checks = vec![("lint", true), ("format", false)];
    assert_eq!(told_of(&run.run().await), (StopReason::Finished, PASSED));
    let steps =
        ["follow", "check lint", "patch", "check format", "patch", "verify", "patch", "judge 1", "reproduction"];
    assert_eq!(verifying(&run), steps);
    assert_eq!(tests_that_ran(&run)[0].purpose, TestPurpose::Verification);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_was_fixed_is_confirmed_where_nothing_else_lies() {
    let mut run = patched([passing("1.log"), passing("2.log")]);
    run.environment.judgements = [compared(&["a"], &[])].into();
    assert_eq!(run.run().await.detail, PASSED);
    let steps = ["follow", "verify", "patch", "judge 1", "verify_afresh", "patch", "judge 2", "reproduction"];
    assert_eq!(verifying(&run), steps);
}

#[tokio::test(start_paused = true)]
async fn a_new_test_that_fails_is_run_again_and_the_third_run_decides() {
    let mut run = patched([failing("1.log"), passing("2.log"), passing("3.log")]);
    run.environment.judgements = [compared(&[], &["a"])].into();
    assert_eq!(run.run().await.detail, PASSED);
    let steps = [
        "follow",
        "verify",
        "patch",
        "judge 1",
        "verify",
        "patch",
        "judge 2",
        "verify_afresh",
        "patch",
        "judge 3",
        "reproduction",
    ];
    assert_eq!(verifying(&run), steps);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_was_there_before_is_not_run_again() {
    let mut run = patched([failing("1.log")]);
    let matrix = Matrix { still_failing: vec!["a".into()], ..Matrix::default() };
    run.environment.judgements = [Judgement { matrix: Some(matrix), ..Judgement::default() }].into();
    run.model = super::model::ScriptedModel::new(vec![writes("x"), done(), done()]);
    assert_eq!(run.run().await.detail, "the tests fail, and the model changed nothing after it was told");
    assert_eq!(run.environment.times("verify"), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_run_again_for_which_no_time_is_left_or_that_kcode_ended() {
    let slow = TestRun { ms: 10_000, ..failing("1.log") };
    let ended = TestRun { stopped: Some("idle".to_owned()), ..failing("1.log") };
    for (first, time) in [(slow, Duration::from_secs(20)), (ended, Duration::from_hours(1))] {
        let mut run = LoopRun::new(vec![writes("x"), done(), done()]);
        run.environment.runs = [first].into();
        run.environment.judgements = [compared(&[], &["a"])].into();
        run.time = time;
        run.run().await;
        assert_eq!(run.environment.times("verify"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failing_tests_go_back_three_times() {
    let tries = ["a", "b", "c", "d"].into_iter().flat_map(|content| [writes(content), done()]);
    let mut run = LoopRun::new(tries.collect());
    run.environment.runs = (1..=4).map(|n| failing(&format!("{n}.log"))).collect();
    assert_eq!(told_of(&run.run().await), (StopReason::Finished, "the tests still fail after 3 corrections"));
    assert_eq!(run.nudges(), ["tests_failed"; 3]);
    assert!(run.told()[0].starts_with("kcode ran the tests after your last edit: `make test` ended with exit code 1."));
    assert!(run.told()[2].contains("it failed (3.log)"));
}

#[tokio::test(start_paused = true)]
async fn without_another_edit_nothing_is_run_again() {
    let mut run = LoopRun::new(vec![writes("x"), done(), calls(&[("read", "a")]), done()]);
    run.environment.runs = [failing("1.log")].into();
    assert_eq!(run.run().await.detail, "the tests fail, and the model changed nothing after it was told");
    assert_eq!(run.environment.times("verify"), 1);
}

/// A judgement with a cause outside of the code.
fn caused() -> Judgement {
    let cause = FailureCause {
        kind: CauseKind::Setup,
        what: "a package is missing".to_owned(),
        hint: "install it".to_owned(),
        blocks: false,
    };
    Judgement { cause: Some(cause), ..Judgement::default() }
}

#[tokio::test(start_paused = true)]
async fn what_no_edit_mends_does_not_go_back_unless_a_check_fails_too() {
    let mut run = patched([failing("1.log")]);
    run.environment.judgements = [caused()].into();
    assert_eq!(run.run().await.detail, "the tests fail as they did before: a package is missing");

    let mut run = patched([failing("1.log"), failing("2.log")]);
    run.model = super::model::ScriptedModel::new(vec![writes("x"), done(), done()]);
    run.environment.judgements = [caused()].into();
    run.environment.checks = vec![("lint", true)];
    run.environment.check_runs = [failing("lint.log")].into();
    run.run().await;
    assert_eq!(run.nudges(), ["tests_failed"]);
    let told = run.told();
    assert!(told[0].contains("it failed (1.log)") && told[0].contains("## lint: `make test` ended with exit code 1"));

    // A cause on the start state doesn't matter if the tests pass.
    let mut run = patched([passing("1.log")]);
    run.environment.judgements = [caused()].into();
    assert_eq!(run.run().await.detail, PASSED);
}

#[tokio::test(start_paused = true)]
async fn a_required_check_that_fails_goes_back_and_another_does_not() {
    let mut run = LoopRun::new(vec![writes("x"), done(), done()]);
    run.environment.runs = [passing("1.log")].into();
    run.environment.checks = vec![("lint", true)];
    run.environment.check_runs = [failing("lint.log")].into();
    assert_eq!(run.run().await.detail, "the tests fail, and the model changed nothing after it was told");
    assert_eq!(run.nudges(), ["checks_failed"]);

    let mut run = patched([passing("1.log")]);
    run.environment.checks = vec![("lint", false)];
    run.environment.check_runs = [failing("lint.log")].into();
    assert_eq!(run.run().await.detail, PASSED);
}

#[tokio::test(start_paused = true)]
async fn tests_that_write_to_the_tree_run_once_more_and_so_do_the_checks() {
    let mut run = patched([passing("1.log"), passing("2.log"), passing("3.log")]);
    run.environment.checks = vec![("lint", true)];
    run.environment.run_writes = Some("x and a lock file");
    assert_eq!(run.run().await.detail, PASSED);
    let steps =
        ["follow", "check lint", "patch", "verify", "patch", "verify", "patch", "check lint", "patch", "judge 1"];
    assert_eq!(verifying(&run)[..steps.len()], steps);
    let ran = tests_that_ran(&run);
    assert_ne!(ran[0].patch_sha256, ran[1].patch_sha256);
}

#[tokio::test(start_paused = true)]
async fn a_failing_run_that_wrote_to_the_tree_is_enough() {
    let mut run = LoopRun::new(vec![writes("x"), done()]);
    run.environment.runs = [failing("1.log")].into();
    run.environment.run_writes = Some("y");
    run.limits.max_turns = 2;
    run.run().await;
    assert_eq!(run.environment.times("verify"), 1);
    assert_eq!(run.nudges(), ["tests_failed"]);
}

/// A run in which the model runs all tests itself after its edit, and they pass.
fn with_own_run() -> LoopRun {
    let mut run = LoopRun::new(vec![writes("x"), calls(&[("run_tests", "{}")]), done()]);
    run.environment.own_run = passing("own.log");
    run.environment.own_run_is_whole = true;
    run.environment.runs = [passing("1.log"), passing("2.log")].into();
    run
}

#[tokio::test(start_paused = true)]
async fn the_models_own_run_counts_and_is_confirmed_afresh() {
    let mut run = with_own_run();
    run.environment.judgements = [compared(&["a"], &[])].into();
    assert_eq!(run.run().await.detail, PASSED);
    assert_eq!(verifying(&run), ["follow", "verify_afresh", "patch", "judge 2", "reproduction"]);
    let ran = tests_that_ran(&run);
    assert_eq!(ran[0].purpose, TestPurpose::Model);
    assert_eq!(ran[1].counted.as_ref().map(|counted| (&*counted.log, counted.passed)), Some(("own.log", true)));
}

#[tokio::test(start_paused = true)]
async fn the_models_own_run_does_not_count_when_it_was_not_whole_or_the_patch_or_the_rules_are_others() {
    let mut not_whole = with_own_run();
    not_whole.environment.own_run_is_whole = false;
    let mut older_rules = with_own_run();
    older_rules.state.rules = TestRules::Own;
    let mut patched_since = with_own_run();
    patched_since.model =
        super::model::ScriptedModel::new(vec![writes("x"), calls(&[("run_tests", "{}")]), writes("y"), done()]);
    for (mut run, why) in [(not_whole, "whole"), (older_rules, "rules"), (patched_since, "patch")] {
        assert_eq!(run.run().await.detail, PASSED);
        let kcodes: Vec<_> =
            tests_that_ran(&run).into_iter().filter(|ran| ran.purpose == TestPurpose::Verification).collect();
        assert!(kcodes.iter().all(|ran| ran.counted.is_none()), "{why}");
        assert_eq!(run.environment.times("judge 1"), 1, "{why}: {:?}", run.steps());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_seen_once_more_where_commands_left_something_of_another_patch() {
    // The tests ran on `x` in the run's view, but the patch is `y` now.
    let answers = vec![writes("x"), calls(&[("run_tests", "{}")]), writes("y"), done()];
    let mut run = LoopRun::new(answers);
    run.environment.runs = [passing("1.log"), passing("2.log")].into();
    assert_eq!(run.run().await.detail, PASSED);
    assert_eq!(run.environment.times("verify_afresh"), 1, "{:?}", run.steps());
}

#[tokio::test(start_paused = true)]
async fn a_pass_of_a_patch_that_weakens_tests_is_run_again() {
    let mut run = LoopRun::new(vec![writes("x"), done()]);
    run.environment.runs = [passing("1.log"), passing("2.log")].into();
    run.environment.judgements = [weakening()].into();
    run.limits.max_turns = 2;
    run.run().await;
    assert_eq!(run.environment.times("verify_afresh"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_while_verifying_ends_the_tests_and_proves_nothing() {
    let mut run = patched([passing("1.log")]).with_fate("verify", Fate::Hangs);
    let stop = run.run().await;
    assert_eq!(told_of(&stop), (StopReason::MaxTime, "the time limit is reached"));
    assert_eq!(run.environment.times("cancel"), 1);
    assert_eq!(tests_that_ran(&run).len(), 0);
}
