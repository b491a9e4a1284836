//! Ctrl-C and SIGTERM: the run ends in order, soon, with a history that can be continued.

use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::ran::Ran;
use crate::running::{Running, wait_until};
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World};

/// More than any end takes, less than anything that was not ended would.
const SOON: Duration = Duration::from_secs(20);

/// Answers in turn and says when each request came.
fn told(answers: Vec<Answer>) -> (MockKimi, Receiver<usize>) {
    let (tell, told) = channel();
    let mut answers = answers.into_iter().enumerate();
    let kimi = MockKimi::answering(move |_| {
        let (n, answer) = answers.next().unwrap_or((usize::MAX, Answer::quota()));
        tell.send(n + 1).unwrap();
        answer
    });
    (kimi, told)
}

/// Sends the signal and holds the end to what every interrupted run owes.
fn interrupt(world: &World, before: &Tree, running: Running, signal: Signal) -> Ran {
    let sent = Instant::now();
    running.signal(signal);
    let ran = running.wait().code(130);
    assert!(sent.elapsed() < SOON, "it took {:?}", sent.elapsed());
    crate::laws::hold(world, &ran);
    before.assert_same(&Tree::of(&world.root()));
    let report = ran.report();
    assert_eq!((&report["outcome"], &report["budget"]["stop_reason"]), (&json!("interrupted"), &json!("interrupted")));
    ran.says(&["interrupted", "kcode show"])
}

fn start(world: &World, kimi: &MockKimi) -> (Tree, Running) {
    (Tree::of(&world.root()), world.start(world.keyed(kimi, &["fix", TASK])))
}

#[test]
fn while_the_model_is_silent() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let world = World::new();
        let (kimi, requests) = told(vec![Answer::text("Never said.").mute()]);
        let (before, running) = start(&world, &kimi);
        requests.recv().unwrap();
        let ran = interrupt(&world, &before, running, signal);
        assert_eq!(ran.kept().messages().len(), 2);
        ran.says(&["cost $0.00 for sure (and up to $", "for a request without a reply)"]);
    }
}

#[test]
fn while_the_model_streams() {
    let world = World::new();
    let slowly = Answer::call("edit_file", EDIT).pieces_of(1).pace(Duration::from_secs(1));
    let (kimi, requests) = told(vec![slowly]);
    let (before, running) = start(&world, &kimi);
    requests.recv().unwrap();
    let ran = interrupt(&world, &before, running, Signal::INT);
    assert_eq!(ran.kept().events("reply").len(), 0, "half a reply is no reply");
}

#[test]
fn while_a_tool_runs() {
    let world = World::new();
    world.write_test("echo begun; sleep 300");
    let calls = [("edit_file", EDIT), ("run_tests", "{}"), ("read_file", r#"{"path": "greeting.txt"}"#)];
    let (kimi, _requests) = told(vec![Answer::calls(calls)]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_program("sleep");
    let ran = interrupt(&world, &before, running, Signal::INT);
    let answers = ran.kept().answers();
    assert!(answers[1].starts_with("Ended before it was done"), "{}", answers[1]);
    assert!(answers[2].starts_with("Not run"), "{}", answers[2]);
    assert!(ran.stdout().contains("+Hello, World!"), "what exists is handed over: {}", ran.stdout());
}

/// Of the model's run, and of the one on the start state.
#[test]
fn the_logs_of_what_is_cut_off_hold_no_secret() {
    const PASSWORD: &str = "tulip garden 7";
    let world = World::new();
    world.write("login.txt", format!("{PASSWORD}\n"));
    world.write_test("cat login.txt; sleep 300");
    world.commit_all();
    let (kimi, _requests) = told(vec![Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")]);
    let mut fix = world.keyed(&kimi, &["fix", TASK]);
    fix.env("DEPLOY_PASSWORD", PASSWORD);
    let (before, running) = (Tree::of(&world.root()), world.start(fix));
    let logs = || -> Vec<String> {
        let paths = ["logs/tests-1.log", "logs/baseline/tests-1.log"];
        let runs = world.runs().into_iter().flat_map(|run| paths.map(|path| run.join(path)));
        runs.filter_map(|path| fs::read_to_string(path).ok()).filter(|log| !log.is_empty()).collect()
    };
    wait_until("both have said something", || logs().len() == 2);
    interrupt(&world, &before, running, Signal::INT);
    assert_eq!(logs(), ["[redacted:environment]\n", "[redacted:environment]\n"]);
}

#[test]
fn while_the_tests_verify() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new();
        world.write_test("echo begun; (setsid sleep 300 &); exec sleep 301");
        let (kimi, _requests) = told(vec![Answer::call("edit_file", EDIT), Answer::text("Done.")]);
        let (before, running) = start(&world, &kimi);
        running.wait_for_program("sleep");
        let ran = interrupt(&world, &before, running, signal);
        assert_eq!(ran.report()["tests"]["fresh"], false);
    }
}

#[test]
fn while_tests_run_that_ignore_every_signal() {
    let world = World::new();
    world.write_test("trap '' TERM INT HUP; while :; do sleep 1; done");
    let (kimi, _requests) = told(vec![Answer::call("run_tests", "{}")]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_program("sleep");
    interrupt(&world, &before, running, Signal::TERM);
}

#[test]
fn while_a_retry_is_waited_for() {
    let world = World::new();
    let (kimi, _requests) = told(vec![Answer::overloaded().header("Retry-After", "600")]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_journal("attempt_failed");
    let ran = interrupt(&world, &before, running, Signal::INT);
    assert!(ran.kept().events("attempt_failed")[0]["wait_ms"].as_u64().unwrap() >= 600_000);
}

#[test]
fn a_closed_terminal_does_not_lose_the_run() {
    let world = World::new();
    let (kimi, requests) = told(vec![Answer::call("edit_file", EDIT), Answer::text("Never said.").mute()]);
    let (before, running) = start(&world, &kimi);
    assert_eq!((requests.recv().unwrap(), requests.recv().unwrap()), (1, 2));
    let ran = interrupt(&world, &before, running, Signal::HUP);
    assert!(ran.kept().read("patch.diff").contains("+Hello, World!"));
}

#[test]
fn whoever_insists_does_not_wait_and_the_end_is_noted() {
    let world = World::new();
    world.write_test("trap '' TERM INT HUP; while :; do sleep 1; done");
    let (kimi, _requests) = told(vec![Answer::call("run_tests", "{}")]);
    let (before, running) = start(&world, &kimi);
    running.wait_for_program("sleep");
    let family = running.descendants();
    // Two of one kind could be taken for one.
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ran = running.wait().code(130);
    wait_until("all that it started is gone", || family.iter().all(|process| !process.lives()));
    before.assert_same(&Tree::of(&world.root()));
    let end = ran.kept().journal().pop().unwrap();
    assert_eq!((&end["type"], &end["outcome"]), (&json!("run_ended"), &json!("interrupted")));
    assert!(end["detail"].as_str().unwrap().contains("twice"), "{end}");
}

#[test]
fn whoever_insists_is_told_that_nothing_was_applied() {
    let world = World::new();
    world.write_test("trap '' TERM INT HUP; while :; do sleep 1; done");
    let kimi = MockKimi::script(vec![Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")]);
    let before = Tree::of(&world.root());
    let running = world.start(world.keyed(&kimi, &["fix", TASK, "--apply", "--no-baseline"]));
    running.wait_for_program("sleep");
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ran = running.wait().code(130);
    before.assert_same(&Tree::of(&world.root()));
    let id = ran.kept().id();
    ran.says(&[
        "not applied: interrupted",
        &format!("kcode resume {id} --apply"),
        &format!("kcode apply {id}"),
        "kept: ",
    ]);
}
