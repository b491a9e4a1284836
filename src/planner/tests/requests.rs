//! Tests of requests: what is sent, what is retried, and how the history is repaired.

use std::time::Duration;

use tokio::time::Instant;

use super::loop_run::LoopRun;
use super::model::{USUAL, calls, cut_stream, fails, says, says_for, usage, writes};
use crate::journal::{AttemptFailed, Digest, Event, ReplyReceived, RequestSent, StopReason, Tokens, Usage};
use crate::model::{ErrorKind, ModelError};

fn requests(run: &LoopRun) -> Vec<&RequestSent> {
    let events = run.journal.events.iter();
    events.filter_map(|event| if let Event::Request(sent) = event { Some(sent) } else { None }).collect()
}

fn failures(run: &LoopRun) -> Vec<&AttemptFailed> {
    let events = run.journal.events.iter();
    events.filter_map(|event| if let Event::AttemptFailed(failed) = event { Some(failed) } else { None }).collect()
}

fn replies(run: &LoopRun) -> Vec<&ReplyReceived> {
    let events = run.journal.events.iter();
    events.filter_map(|event| if let Event::Reply(reply) = event { Some(reply) } else { None }).collect()
}

fn refused(message: &str) -> ModelError {
    ModelError::new(ErrorKind::BadRequest, message)
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_made_again_in_the_same_turn() {
    let mut run = LoopRun::new(vec![fails(cut_stream(false)), writes("x"), says("Done.")]);
    assert_eq!(run.run().await.reason, StopReason::Finished);
    let attempts: Vec<_> = requests(&run).iter().map(|sent| (sent.turn, sent.attempt)).collect();
    assert_eq!(attempts, [(1, 1), (1, 2), (2, 1)]);
    let bodies = run.model.sent();
    assert_eq!(bodies[0], bodies[1]);
    assert!(failures(&run)[0].wait_ms.is_some());
}

#[tokio::test(start_paused = true)]
async fn attempts_end_with_the_retries_that_a_person_allows() {
    let mut run = LoopRun::new((0..4).map(|_| fails(cut_stream(false))).collect());
    run.max_retries = 2;
    let stop = run.run().await;
    assert_eq!((stop.reason, stop.model_error.unwrap().kind), (StopReason::ModelFailed, ErrorKind::CutStream));
    assert_eq!(run.model.left(), 1);
    let waits: Vec<_> = failures(&run).iter().map(|failed| failed.wait_ms.is_some()).collect();
    assert_eq!(waits, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_good_is_not_tried_again() {
    for (kind, reason) in [
        (ErrorKind::Unauthorized, StopReason::ModelFailed),
        (ErrorKind::ContextOverflow, StopReason::ContextFull),
        (ErrorKind::ReasoningLost, StopReason::ReasoningLost),
    ] {
        let mut run = LoopRun::new(vec![fails(ModelError::new(kind, "no")), says("Never asked for.")]);
        assert_eq!(run.run().await.reason, reason);
        assert_eq!(run.model.left(), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_provider_asks_for_is_kept_or_not_begun() {
    let limited = || ModelError { retry_after: Some(Duration::from_secs(40)), ..cut_stream(false) };
    let mut run = LoopRun::new(vec![fails(limited()), says("No."), says("No.")]);
    let begin = Instant::now();
    assert_eq!(run.run().await.reason, StopReason::Finished);
    assert!((40..42).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());

    let mut run = LoopRun::new(vec![fails(limited()), says("Never asked for.")]);
    run.time = Duration::from_secs(30);
    assert_eq!(run.run().await.reason, StopReason::ModelFailed);
    assert_eq!(run.model.left(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_charged_what_was_counted_or_what_it_may_have_cost() {
    let counted = ModelError { usage: Some(Box::new(usage(70, 7))), ..cut_stream(true) };
    let answers = vec![fails(cut_stream(false)), fails(cut_stream(true)), fails(counted), says("No."), says("No.")];
    let mut run = LoopRun::new(answers);
    run.run().await;
    let reserved = requests(&run)[1].reserved_tokens;
    let charged: Vec<_> = failures(&run).iter().map(|failed| failed.charged).collect();
    let worst = charged[1];
    assert_eq!(charged, [Usage::default(), worst, usage(70, 7)]);
    assert_eq!(worst.prompt_tokens + worst.completion_tokens, reserved);
    assert_eq!(worst.completion_tokens, Tokens(8_000));
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_did_not_count_is_estimated() {
    let mut run = LoopRun::new(vec![says_for("No.", None), says("No.")]);
    run.run().await;
    let replies = replies(&run);
    assert!(replies[0].usage_estimated && !replies[1].usage_estimated);
    assert!(replies[0].usage.prompt_tokens.0 > 0 && replies[0].usage.completion_tokens.0 > 0);
    assert_eq!(replies[1].usage, USUAL);
}

const HALF_A_CALL: &[(&str, &str)] = &[("read", r#"{"path": "src"#)];

#[tokio::test(start_paused = true)]
async fn a_history_that_is_refused_is_repaired_and_sent_again() {
    let refusal = fails(refused("invalid function arguments json"));
    let mut run = LoopRun::new(vec![calls(HALF_A_CALL), refusal, says("No."), says("No.")]);
    assert_eq!(run.run().await.reason, StopReason::Finished);
    let repaired = run.journal.events.iter().filter(|event| matches!(event, Event::HistoryRepaired(_))).count();
    assert_eq!(repaired, 1);
    let arguments = |n: usize| run.model.sent()[n]["messages"][2]["tool_calls"][0]["function"]["arguments"].clone();
    assert_eq!((arguments(1), arguments(2)), (HALF_A_CALL[0].1.into(), "{}".into()));
    let attempts: Vec<_> = requests(&run).iter().map(|sent| (sent.turn, sent.attempt)).collect();
    assert_eq!(attempts, [(1, 1), (2, 1), (2, 2), (3, 1)]);
    assert_eq!(failures(&run)[0].wait_ms, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_final() {
    let refusal = || fails(refused("invalid function arguments json"));
    let mut run = LoopRun::new(vec![calls(HALF_A_CALL), refusal(), refusal(), says("Never asked for.")]);
    let stop = run.run().await;
    assert_eq!((stop.reason, stop.model_error.unwrap().kind), (StopReason::ModelFailed, ErrorKind::BadRequest));
    assert_eq!(run.model.left(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_begin_with_the_one_before_is_not_sent() {
    let mut run = LoopRun::new(vec![says("Never asked for.")]);
    run.state.sent_prefix = Some((10, Digest::of("another beginning")));
    assert_eq!(run.run().await.reason, StopReason::PrefixBroken);
    assert_eq!(run.model.left(), 1);
    assert!(!requests(&run)[0].prefix_kept);
}
