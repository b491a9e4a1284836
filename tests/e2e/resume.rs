//! `kcode resume`: the same conversation, budget and changes, whatever ended the run before.

use rustix::process::Signal;
use serde_json::Value;

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mending};

#[test]
fn after_kill_in_the_middle_of_a_tool_call() {
    let world = World::new();
    world.write_test("grep -q 'Hello, World!' greeting.txt || exit 1; sleep 300");
    let answers = [Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}"), Answer::text("Done.")];
    let kimi = MockKimi::script(answers);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_program("sleep");
    running.signal(Signal::KILL);
    running.wait();

    let test = "grep -q 'Hello, World!' greeting.txt";
    let ran = world.run(world.keyed(&kimi, &["resume", "--test", test])).code(0);
    kimi.assert_clean();
    let requests = kimi.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[2].prefix().starts_with(requests[1].prefix()), "the conversation goes on byte for byte");
    assert!(requests[2].last_text().contains("stopped before this call's answer was kept"));
    let kept = ran.kept();
    assert_eq!(kept.report()["patch"]["files"][0]["path"], "greeting.txt");
    assert_eq!(kept.report()["cache"]["prefix_breaks"], 0);
    assert_eq!(kept.events("run_started").len(), 1);
    assert_eq!(kept.events("resumed").len(), 1);
}

#[test]
fn when_two_calls_bore_one_id_and_one_was_answered() {
    let world = World::new();
    world.write_test("sleep 300");
    let calls = [("read_file", r#"{"path": "greeting.txt"}"#), ("run_tests", "{}")];
    let answers = [Answer::calls(calls).ids(["x", "x"]), Answer::call("edit_file", EDIT), Answer::text("Done.")];
    let kimi = MockKimi::script(answers);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_program("sleep");
    running.signal(Signal::KILL);
    running.wait();
    world.run(world.keyed(&kimi, &["resume", "--test", "true"])).code(0);
    kimi.assert_clean();
}

#[test]
fn after_a_limit_with_a_higher_one() {
    let world = World::new();
    let kimi = MockKimi::script(mending());
    let ran = world.fix(&kimi, &["--max-turns", "1"]).code(6);
    ran.says(&["kcode resume"]);
    let id = world.runs()[0].file_name().unwrap().to_string_lossy().into_owned();
    world.run(world.keyed(&kimi, &["resume", &id[..4], "--max-turns", "1"])).code(6).says(&["the limit of 1 turns"]);
    let ran = world.run(world.keyed(&kimi, &["resume", &id[..4], "--max-turns", "9"])).code(0);
    kimi.assert_clean();
    assert_eq!(ran.report()["budget"]["turns"], 3, "turns count from the first start");
}

#[test]
fn after_the_provider_refused() {
    let world = World::new();
    let mut answers = vec![Answer::call("edit_file", EDIT), Answer::unauthorized()];
    answers.extend([Answer::text("Done.")]);
    let kimi = MockKimi::script(answers);
    world.fix(&kimi, &[]).code(77).says(&["kcode resume"]);
    let ran = world.run(world.keyed(&kimi, &["resume"])).code(0);
    kimi.assert_clean();
    assert_eq!(ran.report()["outcome"], "verified");
}

#[test]
fn what_was_spent_stays_spent() {
    let world = World::new();
    let kimi = MockKimi::script(mending());
    let first = world.fix(&kimi, &["--max-turns", "1"]).code(6);
    let spent = first.report()["budget"]["charged_tokens"].as_u64().unwrap();
    let limit = (spent + 10).to_string();
    world.run(world.keyed(&kimi, &["resume", "--max-tokens", &limit])).code(6).says(&["tokens"]);
    assert_eq!(kimi.requests().len(), 1, "a request that could cross the limit isn't sent");
}

#[test]
fn a_run_that_came_to_its_end_is_not_resumed() {
    let world = World::new();
    let kimi = MockKimi::script(mending());
    world.fix(&kimi, &[]).code(0);
    world.run(world.keyed(&kimi, &["resume"])).code(2).says(&["came to its end: verified", "hint:"]);
}

#[test]
fn a_file_that_moved_on_is_named_and_nothing_is_lost() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::unauthorized()]);
    world.fix(&kimi, &[]).code(77);
    world.write("greeting.txt", "Hello, all!\n");
    world.run(world.keyed(&kimi, &["resume"])).code(7).says(&["greeting.txt", "changed since the run began"]);
    assert_eq!(world.read("greeting.txt"), "Hello, all!\n");
}

#[test]
fn a_run_belongs_to_one_process() {
    let world = World::new();
    world.write_test("sleep 300");
    let kimi = MockKimi::script([Answer::call("run_tests", "{}")]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_program("sleep");
    let second = world.start(world.keyed(&kimi, &["resume"])).wait().code(2);
    second.says(&[
        "no run of this repository can go on: run ",
        " is open in another kcode (pid ",
        "hint: answer or end it there",
    ]);
    let id = world.runs()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let named = world.start(world.keyed(&kimi, &["resume", &id])).wait().code(2);
    named.says(&[&format!("run {id} is open in another kcode (pid ")]);
    let further = world.start(world.keyed(&kimi, &["fix", "--resume", &id, "and more"])).wait().code(2);
    further.says(&[&format!("run {id} is open in another kcode (pid ")]);
    running.signal(Signal::INT);
    running.wait().code(130);
}

#[test]
fn time_counts_on() {
    let world = World::new();
    let mut answers = vec![Answer::text("Never said.").mute()];
    answers.extend(mending());
    let kimi = MockKimi::script(answers);
    // Long enough for the first request to leave on a machine that is busy.
    world.fix(&kimi, &["--max-time", "5s"]).code(6).says(&["kcode resume", "--max-time TIME"]);
    world.run(world.keyed(&kimi, &["resume", "--max-time", "5s"])).code(6).says(&["the time limit is reached"]);
    assert_eq!(kimi.requests().len(), 1, "a request for which there is no time isn't sent");
    world.run(world.keyed(&kimi, &["resume", "--max-time", "5m"])).code(0);
}

#[test]
fn what_fails_before_the_first_request_is_noted_as_its_end() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::unauthorized()]);
    let kept = world.fix(&kimi, &[]).code(77).kept();
    // The reply is no longer what came: nobody may go on with it.
    let (journal, path) = (kept.read("journal.jsonl"), kept.0.join("journal.jsonl"));
    let digest = kept.events("reply")[0]["message_sha256"].as_str().unwrap().to_owned();
    std::fs::write(&path, journal.replace(&digest, &"0".repeat(digest.len()))).unwrap();
    // Started, not held to the laws: the audit finds the breach, too.
    world.start(world.keyed(&kimi, &["resume"])).wait().code(1).says(&["error: ", "kcode show"]);
    let end = kept.journal().pop().unwrap();
    assert_eq!((&end["type"], &end["exit_code"]), (&"run_ended".into(), &1.into()), "{end}");
    assert_eq!(kept.report()["outcome"], "internal");
    assert_eq!(kimi.requests().len(), 2);
}

/// A run with these flags that was stopped, taken up with those.
fn taken_up(flags: &[&str], then: &[&str]) -> (World, Ran) {
    let (world, kimi) = (World::new(), MockKimi::script(mending()));
    world.fix(&kimi, &[flags, &["--max-turns", "1"]].concat()).code(6);
    let ran = world.run(world.keyed(&kimi, &[&["resume", "--max-turns", "9"], then].concat()));
    (world, ran)
}

#[test]
fn what_flags_asked_for_is_kept() {
    taken_up(&["--no-verify"], &[]).1.code(4).says(&["unverified"]);
    taken_up(&["--no-verify"], &["--test", "./test.sh"]).1.code(0).says(&["verified"]);
    taken_up(&["--test", "sh ./test.sh"], &[]).1.code(0).says(&["tests     sh ./test.sh        --test"]);
    let (_world, ran) = taken_up(&["--no-baseline"], &[]);
    assert_eq!(ran.report()["tests"]["baseline"], Value::Null);
    let (_world, ran) = taken_up(&["--no-baseline"], &["--minimize"]);
    assert_eq!(ran.report()["tests"]["baseline"]["passed"], false, "what is asked now counts");
}

#[test]
fn tests_that_may_be_edited_may_be_edited_after_a_stop() {
    let world = World::new();
    let weaken = r##"{"path": "test.sh", "content": "#!/bin/sh\nexit 0\n"}"##;
    let answers = [Answer::call("write_file", weaken), Answer::text("Done."), Answer::text("So it is.")];
    let kimi = MockKimi::script(answers);
    world.fix(&kimi, &["--allow-test-edits", "--max-turns", "1"]).code(6);
    let ran = world.run(world.keyed(&kimi, &["resume", "--max-turns", "9"]));
    assert_ne!(ran.report()["outcome"], "refused", "{}", ran.stderr());
}
