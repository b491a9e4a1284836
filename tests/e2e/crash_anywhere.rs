//! A run that is killed at any of its events, in the middle of writing one, or at any other moment comes to the same patch
//! once it is taken up, as often as that takes; and nobody's tree is touched on the way.
//!
//! By default at the first event of each kind and at a few other moments; with `KCODE_TEST_EVERY_CRASH=1`, as in `.ci/run`, at all of
//! them.
//!
//! The binary of a debug build dies where `KCODE_TEST_CRASH_AT` says; a release has no such points.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use crate::conversant;
use crate::ran::{Kept, Ran};
use crate::support::kimi::MockKimi;
use crate::support::skipped::can_crash;
use crate::tree::Tree;
use crate::world::{TASK, World, in_turns};

/// How often a run is killed and taken up again with `KCODE_TEST_EVERY_CRASH`, at least.
const RUNS: usize = 200;
/// A run that is taken up so often without an end has none.
const MANY: usize = 5;

/// What a run comes to that nobody disturbs.
struct Undisturbed {
    patch: String,
    events: usize,
    /// The numbers of the events that are the first of their kind, counted from 1.
    first_of_kind: Vec<usize>,
}

static UNDISTURBED: LazyLock<Undisturbed> = LazyLock::new(|| {
    let (world, kimi) = (World::new(), MockKimi::answering(conversant::answer));
    let kept = world.fix(&kimi, &[]).code(0).kept();
    kimi.assert_clean();
    let kinds: Vec<_> = kept.journal().iter().map(|record| record["type"].clone()).collect();
    let is_first = |n: &usize| !kinds[..n - 1].contains(&kinds[n - 1]);
    let first_of_kind = (1..=kinds.len()).filter(is_first).collect();
    Undisturbed { patch: kept.read("patch.diff"), events: kinds.len(), first_of_kind }
});

/// Where the first process dies, and where those that take its run up do, one after another.
type Deaths = Vec<String>;

/// Says so when a test fails.
struct Told<'a>(&'a Deaths);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was killed at {:?}", self.0);
        }
    }
}

/// Runs the task, dying where it is told to, until it comes to its end.
fn survive(deaths: &Deaths) {
    let _told = Told(deaths);
    let (world, kimi) = (World::new(), MockKimi::answering(conversant::answer));
    let before = Tree::of(&world.root());
    let dying = deaths.iter().map(Some).chain(std::iter::repeat(None));
    for (n, death) in dying.enumerate() {
        assert!(n < deaths.len() + MANY, "it doesn't come to its end");
        let mut command = next(&world, &kimi);
        if let Some(place) = death {
            command.env("KCODE_TEST_CRASH_AT", place);
        }
        let ran = world.start(command).wait();
        before.assert_same(&Tree::of(&world.root()));
        match ran.output.status.code() {
            None => assert!(death.is_some(), "it was killed by somebody else"),
            Some(_) => return came_through(&world, &kimi, ran),
        }
    }
}

/// What a person types next.
fn next(world: &World, kimi: &MockKimi) -> Command {
    let has_begun = |run: &Path| std::fs::read(run.join("journal.jsonl")).is_ok_and(|journal| journal.contains(&b'\n'));
    let runs = world.runs();
    let arguments = if runs.iter().any(|run| has_begun(run)) { &["resume"][..] } else { &["fix", TASK] };
    world.keyed(kimi, arguments)
}

fn came_through(world: &World, kimi: &MockKimi, ran: Ran) {
    // Whoever dies when everything is done has nothing to go on with.
    let has_ended = ran.stderr().contains("came to its end: verified");
    let ran = ran.code(if has_ended { 2 } else { 0 });
    // Any next command finds the run as it should be, and no trace of those that died.
    crate::laws::hold(world, &ran);
    let shown = world.run(world.kcode(&["diff"])).code(0);
    assert_eq!(shown.stdout(), UNDISTURBED.patch);
    let kept: Kept = ran.kept();
    assert_eq!(kept.read("patch.diff"), UNDISTURBED.patch);
    kimi.assert_clean();
    let ends = kept.events("run_ended");
    assert_eq!((ends.len(), &ends[0]["exit_code"]), (1, &0.into()), "{ends:?}");
    assert!(kept.events("request").iter().all(|request| request["prefix_kept"] == true));
    let interrupted = kept.answers().iter().filter(|answer| answer.contains(conversant::UNANSWERED)).count();
    assert!(interrupted <= 2 * kept.events("resumed").len(), "{interrupted} answers to calls that were interrupted");
}

/// Every test of this file, so that they come to [`RUNS`] together.
fn at_every_event() -> Vec<Deaths> {
    let events = UNDISTURBED.events;
    assert!((25..70).contains(&events), "{events} events");
    (1..=events).flat_map(|n| [vec![format!("event:{n}")], vec![format!("torn:{n}")]]).collect()
}

/// Whoever takes the run up dies as well, and whoever takes that up.
fn at_events_of_those_that_take_it_up() -> Vec<Deaths> {
    let events = UNDISTURBED.events;
    let begun = [events / 3, events / 2, events - 8];
    let deaths = |at| (1..=12).map(move |n| vec![format!("event:{at}"), format!("event:{n}"), format!("torn:{n}")]);
    begun.into_iter().flat_map(deaths).collect()
}

fn at_random_moments(runs: usize) -> Vec<Deaths> {
    let mut random = fastrand::Rng::with_seed(5);
    let mut moment = || format!("event:{}+{}", random.usize(1..=UNDISTURBED.events), random.u32(1..60_000));
    (0..runs).map(|_| vec![moment(), moment()]).collect()
}

/// Each kind of event, half of them torn, and a few of the others.
fn sampled() -> Vec<Deaths> {
    let kinds = UNDISTURBED.first_of_kind.iter().enumerate();
    let mut deaths: Vec<Deaths> = kinds.map(|(n, at)| vec![format!("{}:{at}", ["event", "torn"][n % 2])]).collect();
    deaths.extend(at_events_of_those_that_take_it_up().into_iter().step_by(9));
    deaths.extend(at_random_moments(3));
    deaths
}

fn all() -> Vec<Deaths> {
    let mut deaths = [at_every_event(), at_events_of_those_that_take_it_up()].concat();
    deaths.extend(at_random_moments(RUNS.saturating_sub(deaths.len())));
    deaths
}

#[test]
fn a_run_that_dies_anywhere_comes_to_the_same_patch() {
    if !can_crash() {
        return;
    }
    let is_whole = std::env::var_os("KCODE_TEST_EVERY_CRASH").is_some();
    in_turns(&if is_whole { all() } else { sampled() }, survive);
}

/// The number of the event of that type, counted from 1.
fn number_of(kept: &Kept, kind: &str) -> usize {
    kept.journal().iter().position(|record| record["type"] == kind).unwrap() + 1
}

#[test]
fn one_that_dies_after_it_was_applied_is_not_taken_up() {
    if !can_crash() {
        return;
    }
    let start = |world: &World, at: usize| {
        let kimi = MockKimi::answering(conversant::answer);
        let mut command = world.keyed(&kimi, &["fix", TASK, "--apply"]);
        command.env("KCODE_TEST_CRASH_AT", format!("event:{at}"));
        let ran = world.start(command).wait();
        (kimi, ran)
    };
    let world = World::new();
    let (_, ran) = start(&world, usize::MAX >> 32);
    let applied = number_of(&ran.code(0).kept(), "applied");
    let world = World::new();
    let (kimi, ran) = start(&world, applied);
    assert_eq!(ran.output.status.code(), None);
    let ran = world.run_freely(world.keyed(&kimi, &["resume"])).code(2);
    ran.says(&["it is applied", "was applied already", "hint: take it back with: kcode undo"]);
    assert!(world.read("greeting.txt").contains("World"));
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert!(world.read("greeting.txt").contains("Wrold"));
}
