//! Tests of turns and tool calls: reads in parallel, writes alone, each answered once whatever happens.

use super::environment::{Fate, passing};
use super::loop_run::{LoopRun, told_of};
use super::model::{calls, says, writes};
use crate::journal::{Digest, Event, StopReason};
use crate::planner::Obstacle;

fn kinds(events: &[Event]) -> Vec<&'static str> {
    let kind = |event: &Event| match event {
        Event::Request(_) => "request",
        Event::Reply(_) => "reply",
        Event::Message(_) => "message",
        Event::ToolCalled(_) => "called",
        Event::ToolAnswered(_) => "answered",
        Event::PatchWritten(_) => "patch",
        Event::Nudged(_) => "nudged",
        Event::Stopped(_) => "stopped",
        _ => "other",
    };
    events.iter().map(kind).collect()
}

#[tokio::test(start_paused = true)]
async fn turns_follow_each_other_and_each_is_kept_in_order() {
    let mut run = LoopRun::new(vec![calls(&[("read", "a")]), writes("x"), says("Done.")]);
    let stop = run.run().await;
    assert_eq!(told_of(&stop), (StopReason::Finished, "the model ended its turn; there are no tests to run"));
    let turn_of_a_read = ["request", "reply", "message", "called", "answered", "message"];
    let turn_of_a_write = [&turn_of_a_read[..], &["patch"]].concat();
    let end = ["request", "reply", "message", "stopped"];
    assert_eq!(kinds(&run.journal.events), [&turn_of_a_read[..], &turn_of_a_write, &end].concat());
    let bodies = run.model.sent();
    assert_eq!(bodies.len(), 3);
    let roles = |n: usize| -> Vec<String> {
        let messages = bodies[n]["messages"].as_array().unwrap();
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(roles(0), ["system", "user"]);
    assert_eq!(roles(2), ["system", "user", "assistant", "tool", "assistant", "tool"]);
}

#[tokio::test(start_paused = true)]
async fn reads_run_together_and_a_write_alone() {
    let reply = calls(&[("read", "a"), ("read", "b"), ("write", "x"), ("read", "c"), ("write", "y"), ("write", "z")]);
    let mut run = LoopRun::new(vec![reply, says("Done.")]);
    run.run().await;
    let steps = run.steps();
    let made: Vec<_> = steps.iter().filter(|step| step.starts_with("call") || step.starts_with("done")).collect();
    assert_eq!(
        made,
        [
            "call read a",
            "call read b",
            "done read a",
            "done read b",
            "call write x",
            "done write x",
            "call read c",
            "done read c",
            "call write y",
            "done write y",
            "call write z",
            "done write z",
        ]
    );
    assert_eq!(run.answers(), ["read a", "read b", "write x", "read c", "write y", "write z"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_change_the_tree_makes_a_new_patch() {
    let mut run = LoopRun::new(vec![
        calls(&[("read", "a"), ("run_tests", ""), ("other", "")]),
        says("Nothing to do."),
        says("Nothing to do."),
    ]);
    run.run().await;
    assert_eq!(run.environment.times("patch"), 1, "{:?}", run.steps());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_not_done() {
    let mut run = LoopRun::new(vec![writes("x")]);
    run.journal.refuses = Some(|event| matches!(event, Event::ToolCalled(_)));
    let stop = run.run_unchecked().await;
    assert_eq!(stop.reason, StopReason::StorageFailed);
    assert!(stop.hint.is_some());
    assert_eq!(run.steps(), ["prepare"]);

    let mut run = LoopRun::new(vec![says("Never asked for.")]);
    run.journal.refuses = Some(|event| matches!(event, Event::Request(_)));
    assert_eq!(run.run_unchecked().await.reason, StopReason::StorageFailed);
    assert_eq!(run.model.left(), 1);
}

/// Answers to a reply of two reads, a write and a read when `step` breaks.
async fn answers_when_it_breaks(step: &'static str) -> (StopReason, Vec<String>) {
    let reply = calls(&[("read", "a"), ("read", "b"), ("write", "x"), ("read", "c")]);
    let mut run = LoopRun::new(vec![reply]).with_fate(step, Fate::Breaks);
    let reason = run.run().await.reason;
    (reason, run.answers())
}

const NOT_RUN: &str = "Not run: the run ends here (the worker died).";

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_when_the_sandbox_cannot_be_prepared() {
    let (reason, answers) = answers_when_it_breaks("prepare").await;
    assert_eq!(reason, StopReason::WorkerFailed);
    assert_eq!(answers, ["Not run: the run ends here.", "Not run: the run ends here.", NOT_RUN, NOT_RUN]);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_when_one_fails() {
    let (reason, answers) = answers_when_it_breaks("call").await;
    assert_eq!(reason, StopReason::WorkerFailed);
    let failed = "It failed inside kcode; it may have partly run.";
    assert_eq!(answers, [failed, failed, NOT_RUN, NOT_RUN]);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_when_its_change_cannot_be_kept() {
    let (reason, answers) = answers_when_it_breaks("patch").await;
    assert_eq!(reason, StopReason::WorkerFailed);
    let lost = "It was done, but kcode could not keep what it changed. Look at the files again before you go on.";
    assert_eq!(answers, ["read a", "read b", lost, NOT_RUN]);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_when_time_runs_out_or_a_person_interrupts() {
    for (fate, reason, why) in [
        (Fate::Hangs, StopReason::MaxTime, "the time limit is reached"),
        (Fate::Interrupted, StopReason::Interrupted, "interrupted"),
    ] {
        let reply = calls(&[("read", "a"), ("write", "x"), ("write", "y")]);
        let mut run = LoopRun::new(vec![reply]).with_fate("call", fate);
        assert_eq!(told_of(&run.run().await), (reason, why));
        let not_run = format!("Not run: the run ends here ({why}).");
        let ended = "Ended before it was done: the run ends here. It may have partly run.";
        assert_eq!(run.answers(), [ended, &not_run, &not_run]);
        assert_eq!(run.environment.times("cancel"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_when_repetition_ends_the_run_in_the_middle() {
    let same = ("read", "a");
    let reply = calls(&[same, same, same, same, same, same, ("write", "x"), ("read", "b")]);
    let mut run = LoopRun::new(vec![reply]);
    let stop = run.run().await;
    // All six ran in parallel before any was counted.
    assert_eq!(told_of(&stop), (StopReason::Repetition, "read was called 6 times with the same result"));
    assert_eq!(run.answers().len(), 8);
    assert!(run.answers()[6..].iter().all(|answer| answer.starts_with("Not run: the run ends here (read was called")));
    assert_eq!(run.environment.times("call write x"), 0);
}

#[tokio::test(start_paused = true)]
async fn where_no_test_can_run_the_calls_are_answered_and_none_is_made() {
    let mut run = LoopRun::new(vec![calls(&[("read", "a"), ("write", "x")])]);
    run.environment.obstacle = Some(Obstacle { what: "no python".to_owned(), hint: "install it".to_owned() });
    let stop = run.run().await;
    assert_eq!(told_of(&stop), (StopReason::TestsCannotRun, "the tests can't run here: no python"));
    assert_eq!(stop.hint.as_deref(), Some("install it"));
    assert_eq!(run.steps(), [""; 0]);
    assert_eq!(run.answers().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_was_not_compared_after_a_command_stays_and_says_so() {
    let mut run = LoopRun::new(vec![calls(&[("run_tests", ""), ("read", "a")])]).with_fate("patch", Fate::Hangs);
    run.environment.own_run = passing("own.log");
    run.state.patch = Some(Digest::of("x"));
    assert_eq!(run.run().await.reason, StopReason::MaxTime);
    let written = run.journal.events.iter().find_map(|event| match event {
        Event::PatchWritten(patch) => Some(patch.clone()),
        _ => None,
    });
    let written = written.unwrap();
    assert_eq!(written.sha256, Some(Digest::of("x")));
    assert_eq!(written.left_out.len(), 1);
    assert_eq!(run.state.patch, None, "no run of the tests is held against it");
}
