//! Tests of the messages that kcode adds to the conversation.

use super::environment::{file, passing, weakening};
use super::loop_run::{LoopRun, told_of};
use super::model::{Answer, calls, cut, says, writes};
use crate::journal::{Digest, Event, Message, Nudged, PatchWritten, Reproduction, StopReason};
use crate::planner::State;

const MARKUP: &str = "I read it. <|tool_calls_section_begin|>";

fn done() -> Answer {
    says("Done.")
}

#[tokio::test(start_paused = true)]
async fn an_empty_promise_is_answered_once() {
    let mut run = LoopRun::new(vec![says("I will mend it."), says("I will.")]);
    let stop = run.run().await;
    assert_eq!(told_of(&stop), (StopReason::Finished, "the model ended its turn without a change"));
    assert_eq!(run.nudges(), ["announced"]);
    assert!(run.told()[0].starts_with("You ended your turn, but no file has changed."));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_taken_back_is_an_empty_promise_too() {
    let mut run = LoopRun::new(vec![writes("x"), writes("start"), done(), done()]);
    assert_eq!(run.run().await.detail, "the model ended its turn without a change");
    assert_eq!(run.nudges(), ["announced"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_told_in_words_is_asked_for_again_twice() {
    let mut run = LoopRun::new(vec![says(MARKUP), says(MARKUP), says(MARKUP)]);
    let stop = run.run().await;
    assert_eq!(stop.reason, StopReason::ModelFailed);
    assert!(stop.model_error.unwrap().message.starts_with("3 replies in a row end in the markup"));
    assert_eq!(run.nudges(), ["unreadable_call", "unreadable_call"]);
}

#[tokio::test(start_paused = true)]
async fn only_calls_in_words_that_follow_each_other_are_counted() {
    for between in [says("I will mend it."), calls(&[("read", "a")])] {
        let is_call = matches!(&between, Answer::Reply(reply) if reply.finish_reason == "tool_calls");
        let answers = vec![says(MARKUP), says(MARKUP), between, says(MARKUP), says(MARKUP), done(), done()];
        let mut run = LoopRun::new(answers);
        assert_eq!(run.run().await.reason, StopReason::Finished);
        assert_eq!(run.nudges().iter().filter(|kind| **kind == "unreadable_call").count(), 4, "a call: {is_call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_cut_is_continued_twice_in_a_row() {
    let mut run = LoopRun::new(vec![cut("I be"), cut("I be"), cut("I be"), done()]);
    assert_eq!(run.run().await.detail, "the model ended its turn without a change");
    assert_eq!(run.nudges(), ["truncated", "truncated", "announced"]);
    assert!(run.told()[0].starts_with("Your reply was cut off at the output limit."));
}

#[tokio::test(start_paused = true)]
async fn only_cut_replies_that_follow_each_other_are_counted() {
    let mut run = LoopRun::new(vec![cut("I"), cut("I"), says("I will."), cut("I"), cut("I"), done()]);
    run.run().await;
    assert_eq!(run.nudges(), ["truncated", "truncated", "announced", "truncated", "truncated"]);

    let call = || calls(&[("read", "a")]);
    let mut run = LoopRun::new(vec![cut("I"), call(), cut("I"), call(), cut("I"), done(), done()]);
    run.run().await;
    assert_eq!(run.nudges(), ["truncated", "truncated", "truncated", "announced"]);
}

/// A run in which the model was asked for a test and wrote none.
fn unshown(answers: Vec<Answer>) -> LoopRun {
    let mut run = LoopRun::new(answers);
    run.environment.runs = std::iter::repeat_with(|| passing("1.log")).take(9).collect();
    run.environment.reproductions = [Reproduction { asked: true, ..Reproduction::no("no test is new") }].into();
    run
}

#[tokio::test(start_paused = true)]
async fn a_model_is_asked_once_for_a_test_and_what_it_leaves_is_not_verified_again() {
    let mut run = unshown(vec![writes("x"), done(), done()]);
    assert_eq!(run.run().await.detail, "the tests pass after the last edit");
    assert_eq!(run.nudges(), ["not_reproduced"]);
    assert!(run.told()[0].contains("kcode found none: no test is new."));
    assert_eq!(run.environment.times("verify"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_tried_in_vain_is_not_asked_a_second_time() {
    let mut run = unshown(vec![writes("x"), done(), writes("y"), done()]);
    assert_eq!(run.run().await.detail, "the tests pass after the last edit");
    assert_eq!(run.nudges(), ["not_reproduced"]);
    assert_eq!(run.environment.times("reproduction"), 2);
}

#[tokio::test(start_paused = true)]
async fn with_two_turns_left_no_test_is_asked_for() {
    for (max_turns, nudges) in [(4, &[][..]), (5, &["not_reproduced"][..])] {
        let mut run = unshown(vec![writes("x"), done(), done()]);
        run.limits.max_turns = max_turns;
        assert_eq!(run.run().await.reason, StopReason::Finished);
        assert_eq!(run.nudges(), nudges, "{max_turns}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_test_is_asked_for_where_nobody_wants_one_or_there_is_one() {
    let asked = |told| Reproduction { asked: true, ..told };
    for told in [
        Reproduction::no("nobody asked"),
        asked(Reproduction::by(vec!["a".into()], "it fails on the start state")),
        asked(Reproduction::not_checked("no time was left")),
    ] {
        let mut run = unshown(vec![writes("x"), done()]);
        run.environment.reproductions = [told.clone()].into();
        assert_eq!(run.run().await.detail, "the tests pass after the last edit");
        assert_eq!(run.nudges(), [""; 0], "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_takes_nothing_from_a_patch_that_was_verified_before_a_test_was_asked_for() {
    let reads = || calls(&[("read", "a")]);
    let mut run = unshown(vec![writes("x"), done(), reads(), reads(), reads()]);
    run.limits.max_turns = 5;
    assert_eq!(told_of(&run.run().await), (StopReason::Finished, "the tests pass after the last edit"));

    let mut run = unshown(vec![writes("x"), done(), writes("y"), reads(), reads()]);
    run.limits.max_turns = 5;
    assert_eq!(run.run().await.reason, StopReason::MaxTurns, "the patch is another one now");
}

#[tokio::test(start_paused = true)]
async fn weakened_tests_are_told_once_whether_any_run_or_not() {
    for (runs, why) in [(vec![], "no tests"), (vec![passing("1.log"), passing("2.log")], "tests that pass")] {
        let mut run = LoopRun::new(vec![writes("x"), done(), done()]);
        run.environment.runs = runs.iter().cloned().chain(runs.clone()).collect();
        run.environment.judgements = [weakening()].into();
        let stop = run.run().await;
        assert_eq!(stop.detail, "the patch makes the tests prove less, and the model left it so", "{why}");
        assert_eq!(run.nudges(), ["tests_weakened"], "{why}");
        assert!(run.told()[0].contains(&format!("- {}:7: a test is skipped", file())), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_puts_weakened_tests_back_is_fine() {
    let mut run = LoopRun::new(vec![writes("x"), done(), writes("y"), done()]);
    run.environment.judgements = [weakening(), super::environment::compared(&[], &[])].into();
    assert_eq!(run.run().await.detail, "the model ended its turn; there are no tests to run");
}

/// The restored state after the nudge `kind`, which came when the patch was `x`.
fn recalled(kind: &str, is_said: bool) -> State {
    let patch = PatchWritten { sha256: Some(Digest::of("x")), ..PatchWritten::default() };
    let message = Message { role: "user".to_owned(), json: "{}".to_owned() };
    let mut events = vec![Event::PatchWritten(patch), Event::Nudged(Nudged { turn: 2, kind: kind.to_owned() })];
    events.extend(is_said.then_some(Event::Message(message)));
    State::recall(&events)
}

#[test]
fn a_resumed_run_knows_what_the_model_was_told() {
    let known = |kind, is_said| {
        let State { nudged, warned, unshown, feedbacks, .. } = recalled(kind, is_said);
        (nudged, warned, unshown, feedbacks)
    };
    let patch = Some(Digest::of("x"));
    for (kind, state) in [
        ("announced", (true, false, None, 0)),
        ("tests_weakened", (false, true, None, 0)),
        ("not_reproduced", (false, false, patch, 0)),
        ("tests_failed", (false, false, None, 1)),
        ("checks_failed", (false, false, None, 1)),
        ("truncated", (false, false, None, 0)),
    ] {
        assert_eq!(known(kind, true), state, "{kind}");
        assert_eq!(known(kind, false), (false, false, None, 0), "{kind} was to be said, and was not");
    }
}
