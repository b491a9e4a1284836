//! Tests that the run ends wherever it waits: on an interrupt, when time runs out, and when the sandbox breaks.

use std::time::Duration;

use super::environment::{Fate, compared, passing};
use super::loop_run::LoopRun;
use super::model::{Answer, ScriptedModel, calls, cut_stream, fails, says, writes};
use crate::journal::StopReason;
use crate::model::ModelError;

/// A run that takes every step of the environment.
fn through_every_step() -> LoopRun {
    let mut run = LoopRun::new(vec![writes("x"), calls(&[("run_tests", ""), ("read", "a")]), says("Done.")]);
    run.environment.checks = vec![("lint", true)];
    run.environment.runs = [passing("1.log"), passing("2.log")].into();
    run.environment.judgements = [compared(&["a"], &[])].into();
    run
}

const STEPS: [&str; 10] =
    ["prepare", "call", "patch", "follow", "trees", "check", "verify", "verify_afresh", "judge", "reproduction"];

#[tokio::test(start_paused = true)]
async fn undisturbed_it_comes_by_every_step_and_passes() {
    let mut run = through_every_step();
    let stop = run.run().await;
    assert_eq!((stop.reason, &*stop.detail), (StopReason::Finished, "the tests pass after the last edit"));
    let steps = run.steps();
    for step in STEPS {
        assert!(steps.iter().any(|taken| taken.split(' ').next() == Some(step)), "{step}: {steps:?}");
    }
    assert_eq!(run.environment.times("cancel"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_person_ends_the_run_wherever_it_waits() {
    // Updating the patch after a write is never interrupted: it is short, and nothing gets lost.
    for step in STEPS.into_iter().filter(|step| *step != "patch") {
        let mut run = through_every_step().with_fate(step, Fate::Interrupted);
        assert_eq!(run.run().await.reason, StopReason::Interrupted, "{step}");
        let ends_commands = ["call", "check", "verify", "verify_afresh"].contains(&step);
        assert_eq!(run.environment.times("cancel"), usize::from(ends_commands), "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_ends_the_run_wherever_it_waits() {
    for step in STEPS.into_iter().filter(|step| *step != "patch") {
        let mut run = through_every_step().with_fate(step, Fate::Hangs);
        let stop = run.run().await;
        assert_eq!((stop.reason, &*stop.detail), (StopReason::MaxTime, "the time limit is reached"), "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_sandbox_ends_the_run_wherever_it_shows() {
    // That git can't tell the trees is no failure of the sandbox.
    for step in STEPS.into_iter().filter(|step| *step != "trees") {
        let mut run = through_every_step().with_fate(step, Fate::Breaks);
        let stop = run.run().await;
        assert_eq!((stop.reason, &*stop.detail), (StopReason::WorkerFailed, "the worker died"), "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_patch_after_a_command_is_not_waited_for_without_end() {
    for (fate, reason) in [(Fate::Interrupted, StopReason::Interrupted), (Fate::Hangs, StopReason::MaxTime)] {
        let mut run = LoopRun::new(vec![calls(&[("run_tests", ""), ("read", "a")])]).with_fate("patch", fate);
        assert_eq!(run.run().await.reason, reason);
    }
}

async fn interrupted_after_a_second(run: &mut LoopRun) -> StopReason {
    let interrupt = run.environment.interrupt.clone();
    let person = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        interrupt.send_replace(true);
    };
    tokio::join!(run.run(), person).0.reason
}

#[tokio::test(start_paused = true)]
async fn a_model_that_says_nothing_is_not_waited_for_without_end() {
    let mut run = LoopRun::new(vec![Answer::Silence]);
    assert_eq!(interrupted_after_a_second(&mut run).await, StopReason::Interrupted);
    let mut run = LoopRun::new(vec![Answer::Silence]);
    assert_eq!(run.run().await.reason, StopReason::MaxTime);
}

#[tokio::test(start_paused = true)]
async fn a_person_ends_the_wait_before_the_next_attempt() {
    let slow = ModelError { retry_after: Some(Duration::from_mins(1)), ..cut_stream(false) };
    let mut run = LoopRun::new(vec![fails(slow), says("Never asked for.")]);
    assert_eq!(interrupted_after_a_second(&mut run).await, StopReason::Interrupted);
    assert_eq!(run.model.left(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_once_the_time_is_over() {
    let mut run = LoopRun::new(vec![says("Never asked for.")]);
    run.time = Duration::ZERO;
    assert_eq!(run.run().await.reason, StopReason::MaxTime);
    assert_eq!(run.model.left(), 1);
    assert_eq!(run.journal.events.len(), 1, "no request is kept that was not made");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_patch_comes_by_no_verification() {
    let mut run = through_every_step();
    run.model = ScriptedModel::new(vec![says("Nothing to do."), says("Nothing to do.")]);
    assert_eq!(run.run().await.detail, "the model ended its turn without a change");
    assert_eq!(run.steps(), [""; 0]);
}
