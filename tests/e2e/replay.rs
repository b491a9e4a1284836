//! `kcode replay`: the recorded run again, offline, and held against what was recorded.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::ran::{Kept, Ran};
use crate::running::{Running, wait_until};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World};

/// The run's tests say what took how long and where something lay.
const RESTLESS: &str = "echo \"ran in 0.$(date +%N)s at 0x$(date +%s)ffff in $(pwd)\"\n\
                        grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'";

/// A run that mends the project, with a test run of the model's.
fn recorded() -> (World, Kept) {
    let world = World::new();
    world.write_test(RESTLESS);
    world.commit_all();
    let kimi = MockKimi::script(vec![
        Answer::calls([("read_file", r#"{"path": "greeting.txt"}"#), ("list_files", "{}")]),
        Answer::call("run_tests", "{}"),
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::text("The greeting was misspelt."),
    ]);
    let kept = world.fix(&kimi, &[]).code(0).kept();
    (world, kept)
}

/// Changes the only place of the journal that says `old`.
fn edit_journal(kept: &Kept, old: &str, new: &str) {
    let path = kept.0.join("journal.jsonl");
    let journal = fs::read_to_string(&path).unwrap();
    assert_eq!(journal.matches(old).count(), 1, "{old} in {journal}");
    fs::write(path, journal.replace(old, new)).unwrap();
}

/// A replay of a run whose journal was edited; that it was, no law would let pass.
fn replayed(world: &World, kept: &Kept) -> Ran {
    world.start(world.kcode(&["replay", &kept.id()])).wait()
}

#[test]
fn a_run_is_replayed_without_a_key_and_all_is_equal() {
    let (world, kept) = recorded();
    let before = kept.read("journal.jsonl");
    let ran = world.run(world.kcode(&["replay", &kept.id()])).code(0);
    assert_eq!(
        ran.stdout(),
        format!("run {} replayed: 5 requests, 5 tool calls, 4 states of the patch, 3 test runs are equal\n", kept.id())
    );
    assert_eq!(world.runs().len(), 1, "a replay is no run");
    assert_eq!(kept.read("journal.jsonl"), before);
    assert_eq!(folders(&world), 0);
}

/// How many replays there are traces of.
fn folders(world: &World) -> usize {
    let entries = fs::read_dir(world.state()).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("replay-")).count()
}

/// Starts a replay that never gets past the first reply.
fn begun(world: &World) -> Running {
    let running = world.start(world.kcode(&["replay", "--speed", "0.01"]));
    running.wait_until_it_says("sandbox");
    running
}

#[test]
fn a_replay_that_is_interrupted_leaves_nothing() {
    let world = World::new();
    let edit = Answer::call("edit_file", EDIT).delay(Duration::from_secs(1));
    world.fix(&MockKimi::script([edit, Answer::text("Done.")]), &[]).code(0);
    let running = begun(&world);
    assert_eq!(folders(&world), 1);
    running.signal(Signal::INT);
    running.wait().code(130);
    assert_eq!(folders(&world), 0);
}

#[test]
fn what_a_killed_replay_leaves_goes_with_the_next_run() {
    let world = World::new();
    let edit = Answer::call("edit_file", EDIT).delay(Duration::from_secs(1));
    world.fix(&MockKimi::script([edit, Answer::text("Done.")]), &[]).code(0);
    let running = begun(&world);
    running.signal(Signal::KILL);
    running.wait();
    assert_eq!(folders(&world), 1);
    world.fix(&MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]), &[]).code(0);
    wait_until("the killed replay is cleared away", || folders(&world) == 0);
}

#[test]
fn the_latest_run_is_replayed_where_none_is_named() {
    let (world, _) = recorded();
    world.run(world.kcode(&["replay"])).code(0);
}

#[test]
fn a_run_whose_patch_stands_in_the_tree_is_replayed_from_before_it() {
    let (world, kept) = recorded();
    world.run_freely(world.kcode(&["apply"])).code(0);
    let ran = world.run(world.kcode(&["replay", &kept.id()])).code(0);
    assert!(ran.stdout().contains("are equal"), "{}", ran.stdout());
    world.commit_all();
    world.run(world.kcode(&["replay", &kept.id()])).code(0);
}

#[test]
fn another_tree_is_refused_and_both_are_named() {
    let (world, kept) = recorded();
    let tree = |world: &World| world.git(&["rev-parse", "HEAD^{tree}"]).trim().to_owned();
    let needed = tree(&world);
    world.write("docs/about.md", "# Another\n");
    world.commit_all();
    let ran = world.run(world.kcode(&["replay", &kept.id()])).code(7);
    ran.says(&["started from another tree", &needed, &tree(&world), "-C"]);
}

#[test]
fn an_answer_that_differs_is_shown_as_a_diff() {
    let (world, kept) = recorded();
    edit_journal(&kept, "Hello, Wrold!\\\\n", "Hello, Wirld!\\\\n");
    let ran = replayed(&world, &kept).code(8);
    let said = ran.stdout();
    for part in ["in turn 1, the answer of a tool differs", "-1\tHello, Wirld!", "+1\tHello, Wrold!"] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn tests_that_say_something_else_are_a_divergence() {
    let (world, kept) = recorded();
    let path = kept.0.join("journal.jsonl");
    let journal = fs::read_to_string(&path).unwrap();
    fs::write(path, journal.replace("ok 1 - greeting", "ok 1 - farewell")).unwrap();
    let ran = replayed(&world, &kept).code(8);
    assert!(ran.stdout().contains("+ok 1 - greeting"), "{}", ran.stdout());
}

#[test]
fn a_reply_that_was_edited_is_no_recording() {
    let (world, kept) = recorded();
    edit_journal(&kept, "The greeting was misspelt.", "The greeting was fine.");
    replayed(&world, &kept).code(7).says(&["reply 5 of the model is not what was received"]);
}

#[test]
fn failed_attempts_and_what_kcode_says_are_replayed() {
    let world = World::new();
    let kimi = MockKimi::script(vec![
        Answer::overloaded(),
        Answer::text("I will mend it."),
        Answer::call("edit_file", r#"{"path": "greeting.txt", "old_text": "Wrold", "new_text": "Wurld"}"#),
        Answer::text("Done."),
        Answer::call("edit_file", r#"{"path": "greeting.txt", "old_text": "Wurld", "new_text": "World"}"#),
        Answer::text("Done now."),
    ]);
    let kept = world.fix(&kimi, &[]).code(0).kept();
    let kinds: Vec<_> = kept.events("nudged").iter().map(|nudged| nudged["kind"].clone()).collect();
    assert_eq!(kinds, ["announced", "tests_failed"]);
    let ran = world.run(world.kcode(&["replay"])).code(0);
    assert!(ran.stdout().contains("6 requests, 2 tool calls"), "{}", ran.stdout());
}

#[test]
fn a_run_without_git_or_tests_or_a_change_is_replayed() {
    let world = World::without_git();
    let kimi = MockKimi::script(vec![Answer::text("Nothing to do."), Answer::text("Really.")]);
    world.fix(&kimi, &["--no-verify"]).code(3);
    world.run(world.kcode(&["replay"])).code(0);
}

#[test]
fn a_run_that_was_ended_from_outside_is_replayed_up_to_there() {
    let world = World::new();
    let kimi = MockKimi::script(vec![
        Answer::call("read_file", r#"{"path": "greeting.txt"}"#),
        Answer::text("late").delay(Duration::from_mins(1)),
    ]);
    world.fix(&kimi, &["--max-time", "3s"]).code(6);
    let ran = world.run(world.kcode(&["replay"])).code(0);
    assert!(ran.stdout().contains("ended from outside in turn 2"), "{}", ran.stdout());
}

#[test]
fn a_resumed_run_is_refused() {
    let world = World::new();
    let kimi = MockKimi::script(vec![Answer::quota(), Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    world.fix(&kimi, &[]).code(69);
    let run = world.run(world.keyed(&kimi, &["resume"])).code(0).kept().id();
    world.run(world.kcode(&["replay", &run])).code(7).says(&["stopped and resumed"]);
    world
        .run(world.kcode(&["replay"]))
        .code(2)
        .says(&["no run of this repository can be replayed", "stopped and resumed"]);
}

#[test]
fn a_replay_can_take_its_time() {
    let world = World::new();
    let kimi = MockKimi::script(vec![
        Answer::call("edit_file", EDIT).delay(Duration::from_millis(700)),
        Answer::text("Done.").delay(Duration::from_millis(700)),
    ]);
    world.fix(&kimi, &[]).code(0);
    let began = Instant::now();
    world.run(world.kcode(&["replay", "--speed", "0.5"])).code(0);
    assert!(began.elapsed() >= Duration::from_millis(2800));
    world.run(world.kcode(&["replay", "--speed", "0"])).code(2);
}
