//! `kill -9` at any moment: the tree is as it was, nothing runs on, and what happened so far can be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::laws;
use crate::processes::Process;
use crate::ran::Kept;
use crate::running::{Running, wait_until};
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, mending};

/// Kills, and holds the world to what is owed even then.
fn kill(world: &World, before: &Tree, running: Running) -> Kept {
    let family: Vec<Process> = running.descendants();
    assert!(!family.is_empty(), "there is a worker at least");
    running.signal(Signal::KILL);
    let ran = running.wait();
    assert_eq!(ran.output.status.code(), None, "it was killed");
    wait_until("all that it started is gone", || family.iter().all(|process| !process.lives()));
    before.assert_same(&Tree::of(&world.root()));
    ran.kept()
}

/// The run as `kcode show` tells it.
fn shown(world: &World, kept: &Kept) -> Value {
    let before = Tree::of(&world.root());
    let ran = world.start(world.kcode(&["show", &kept.id(), "--output", "json"])).wait().code(0);
    before.assert_same(&Tree::of(&world.root()));
    let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
    laws::assert_shape("report", &report);
    report
}

fn start(world: &World, kimi: &MockKimi) -> (Tree, Running) {
    start_with(world, kimi, &["fix", TASK])
}

fn start_with(world: &World, kimi: &MockKimi, arguments: &[&str]) -> (Tree, Running) {
    (Tree::of(&world.root()), world.start(world.keyed(kimi, arguments)))
}

#[test]
fn while_tests_run() {
    let world = World::new();
    world.write_test("(setsid sleep 300 &); echo begun; sleep 301");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    // Those of the start state would sleep as well.
    let (before, running) = start_with(&world, &kimi, &["fix", TASK, "--no-baseline"]);
    wait_until("both sleep", || running.descendants().iter().filter(|process| process.name == "sleep").count() == 2);
    let kept = kill(&world, &before, running);
    let report = shown(&world, &kept);
    assert_eq!(report["outcome"], "interrupted");
    assert_eq!(report["patch"]["files"][0]["path"], "greeting.txt");
    assert!(kept.read("patch.diff").contains("+Hello, World!"), "the patch was written with the edit");
}

#[test]
fn while_the_model_streams() {
    let world = World::new();
    let slowly = Answer::text("A long story.").pieces_of(1).pace(Duration::from_secs(1));
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), slowly]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_journal(r#""turn":2"#);
    let kept = kill(&world, &before, running);
    let report = shown(&world, &kept);
    assert_eq!(report["budget"]["turns"], 1, "only the reply in flight is lost");
    let diff = world.start(world.kcode(&["diff", &kept.id()])).wait().code(0);
    assert!(diff.stdout().contains("+Hello, World!"));
}

#[test]
fn a_journal_that_was_torn_is_read_up_to_the_tear() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Never said.").mute()]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_journal(r#""turn":2"#);
    let kept = kill(&world, &before, running);
    let journal = fs::read(kept.0.join("journal.jsonl")).unwrap();
    let last_line = journal[..journal.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in [journal.len() - 1, last_line + 20, last_line + 1, last_line] {
        fs::write(kept.0.join("journal.jsonl"), &journal[..cut]).unwrap();
        assert_eq!(shown(&world, &kept)["outcome"], "interrupted", "cut at {cut}");
    }
}

#[test]
fn a_worker_that_is_killed_ends_the_run_with_a_reason() {
    let world = World::new();
    world.write_test("sleep 300");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    // No other worker runs at the same time.
    let (before, running) = start_with(&world, &kimi, &["fix", TASK, "--no-baseline"]);
    running.wait_for_program("sleep");
    let family = running.descendants();
    // Below kcode stands the worker's supervisor, below that the host that serves calls.
    let host = Pid::from_raw(family[1].pid.cast_signed()).unwrap();
    kill_process(host, Signal::KILL).unwrap();
    let ran = running.wait().code(1).says(&["the worker process died", "hint: "]);
    wait_until("its tests are gone", || family.iter().all(|process| !process.lives()));
    before.assert_same(&Tree::of(&world.root()));
    assert!(ran.stdout().contains("+Hello, World!"), "what exists is handed over");
}

#[test]
fn the_next_run_is_not_troubled_by_one_that_was_killed() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::text("Never said.").mute()]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_journal(r#""type":"request""#);
    let kept = kill(&world, &before, running);
    let ran = world.start(world.keyed(&crate::world::mender(), &["fix", TASK])).wait().code(0);
    assert!(ran.stdout().contains("+Hello, World!"));
    let runs = world.start(world.kcode(&["runs"])).wait().code(0).stdout();
    assert!(runs.contains(&kept.id()) && runs.contains("interrupted") && runs.contains("verified"), "{runs}");
}

#[test]
fn what_a_proof_left_in_the_home_goes_with_the_next_run() {
    for at_home in [false, true] {
        let world = World::new();
        let hold = world.path("hold");
        fs::write(&hold, "").unwrap();
        let state = if at_home { world.path("home/state") } else { world.state() };
        let keyed = |kimi: &MockKimi| {
            let mut command = world.keyed(kimi, &["fix", TASK]);
            command.env("KCODE_HOME", &state);
            command
        };
        let mut waiting = keyed(&MockKimi::script([]));
        waiting.env("KCODE_TEST_HOLD_BACK", &hold);
        let running = world.start(waiting);
        let home = world.path("home");
        let baits = move || found(&home, ".kcode-bait-");
        wait_until("the secret is laid out", || baits().iter().any(|bait| bait.join("secret").exists()));
        running.signal(Signal::KILL);
        running.wait();
        assert_eq!(baits().len(), 1, "nobody was left who could remove it");
        let mut replies = mending();
        let kimi = MockKimi::answering(move |_| {
            // That run's own is there for as long as its proof takes.
            wait_until("it is gone", || baits().is_empty());
            replies.remove(0)
        });
        world.start(keyed(&kimi)).wait().code(0);
    }
}

/// What lies below `folder` under a name that begins so.
fn found(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (named, others): (Vec<_>, Vec<_>) =
        entries.partition(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix));
    let deeper = others.iter().filter(|path| path.is_dir() && !path.is_symlink()).flat_map(|path| found(path, prefix));
    named.into_iter().chain(deeper).collect()
}
