//! Tests of the repeat guard.

use super::loop_run::{LoopRun, told_of};
use super::model::{Answer, calls, says, writes};
use crate::journal::{Digest, StopReason};
use crate::planner::repeat::{RepeatGuard, RepeatVerdict};

fn reads(times: usize) -> impl Iterator<Item = Answer> {
    std::iter::repeat_with(|| calls(&[("read", "a")])).take(times)
}

/// A run in which the model gives these answers, and then ends its turn twice.
fn then_ends(answers: impl IntoIterator<Item = Answer>) -> LoopRun {
    LoopRun::new(answers.into_iter().chain([says("Done."), says("Done.")]).collect())
}

/// Indices of the answers that contain the notice about repeated calls.
fn told(run: &LoopRun) -> Vec<usize> {
    let answers = run.answers();
    (0..answers.len()).filter(|n| answers[*n].contains("This very call gave this very result")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_third_time_is_told_and_the_fifth_ends_the_run() {
    let mut run = LoopRun::new(reads(6).collect());
    let stop = run.run().await;
    assert_eq!(told_of(&stop), (StopReason::Repetition, "read was called 5 times with the same result"));
    assert_eq!(run.model.left(), 1);
    assert_eq!(told(&run), [2, 3]);
    assert_eq!(
        run.answers()[2],
        "read a\n\n(This very call gave this very result 3 times now. Do something else, or end your turn.)"
    );
}

#[tokio::test(start_paused = true)]
async fn other_arguments_are_another_call_even_with_the_same_result() {
    let arguments = ["a", "b", "c", "d", "e", "f"];
    let mut run = then_ends(arguments.map(|path| calls(&[("read", path)])));
    run.environment.read_says = Some("Nothing is there.");
    assert_eq!(run.run().await.reason, StopReason::Finished);
    assert_eq!(told(&run), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_new_patch_starts_the_count_anew_and_so_does_each_after_it() {
    let rounds = ["x", "y", "z"].into_iter().flat_map(|content| reads(2).chain([writes(content)]));
    let mut run = then_ends(rounds.chain(reads(3)));
    assert_eq!(run.run().await.reason, StopReason::Finished);
    assert_eq!(told(&run), [11]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_leaves_the_patch_as_it_was_is_no_progress() {
    let start = [writes("x")].into_iter();
    let mut run = then_ends(start.chain(reads(2)).chain([writes("x")]).chain(reads(1)));
    assert_eq!(run.run().await.reason, StopReason::Finished);
    assert_eq!(told(&run), [4]);
}

#[tokio::test(start_paused = true)]
async fn the_same_write_again_and_again_ends_the_run() {
    let mut run = LoopRun::new((0..6).map(|_| writes("x")).collect());
    assert_eq!(run.run().await.reason, StopReason::Repetition);
    assert_eq!(told(&run), [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_test_run_that_only_took_longer_is_the_same() {
    let mut run = LoopRun::new((0..6).map(|_| calls(&[("run_tests", "{}")])).collect());
    assert_eq!(run.run().await.reason, StopReason::Repetition);
}

#[test]
fn a_call_is_told_apart_by_its_tool_its_arguments_and_its_result() {
    let result = Digest::of("same");
    let mut guard = RepeatGuard::default();
    for _ in 0..2 {
        assert_eq!(guard.count("read", "a", result), RepeatVerdict::Fresh);
    }
    assert_eq!(guard.count("search", "a", result), RepeatVerdict::Fresh);
    assert_eq!(guard.count("read", "b", result), RepeatVerdict::Fresh);
    assert_eq!(guard.count("read", "a", Digest::of("other")), RepeatVerdict::Fresh);
    assert_eq!(guard.count("read", "a", result), RepeatVerdict::Tell(3));
}

#[test]
fn a_patch_that_is_another_one_clears_the_count_and_the_same_one_does_not() {
    let (result, one, two) = (Digest::of("same"), Some(Digest::of("one")), Some(Digest::of("two")));
    let mut guard = RepeatGuard::default();
    let mut last = RepeatVerdict::Fresh;
    for (patch, times, verdict) in [
        (None, 3, RepeatVerdict::Tell(3)),
        (one, 3, RepeatVerdict::Tell(3)),
        (one, 1, RepeatVerdict::Tell(4)),
        (two, 1, RepeatVerdict::Fresh),
        (one, 3, RepeatVerdict::Tell(3)),
        // A change that was reverted.
        (None, 1, RepeatVerdict::Fresh),
    ] {
        guard.patch_is(patch);
        for _ in 0..times {
            last = guard.count("read", "a", result);
        }
        assert_eq!(last, verdict, "{patch:?}");
    }
}
