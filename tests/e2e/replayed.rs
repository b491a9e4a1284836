//! What kinds of runs are replayed, and on what machines: whatever a run was told or went through, it comes to the same again.

use std::fs;

use serde_json::json;

use crate::fake_runner::{with_test_files, with_tests};
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::refusing::{self, Bwrap};
use crate::world::{EDIT, TASK, World, mender};

/// Looks, runs the tests, mends.
fn looking() -> MockKimi {
    MockKimi::script([
        Answer::calls([("search", r#"{"pattern": "Wrold"}"#), ("run_tests", "{}")]),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ])
}

fn edits(path: &str, old: &str, new: &str) -> Answer {
    Answer::call("edit_file", &json!({"path": path, "old_text": old, "new_text": new}).to_string())
}

fn writes(path: &str, content: &str) -> Answer {
    Answer::call("write_file", &json!({"path": path, "content": content}).to_string())
}

/// Fails unless the latest run comes to the same again.
fn replays(world: &World) -> Ran {
    let ran = world.run(world.kcode(&["replay"]));
    assert!(ran.stdout().contains("are equal"), "{}{}", ran.stdout(), ran.stderr());
    ran.code(0)
}

#[test]
fn a_header_says_that_nothing_is_asked() {
    let world = World::new();
    let id = world.fix(&looking(), &[]).code(0).kept().id();
    replays(&world).says(&[&format!("kimi-k2.7-code via the recording of {id}")]);
}

#[test]
fn with_the_flags_that_the_run_had() {
    let flags: [&[&str]; 4] =
        [&["--no-baseline"], &["--no-verify"], &["--test", "grep -q World greeting.txt"], &["--max-turns", "2"]];
    for flags in flags {
        let world = World::new();
        world.fix(&looking(), flags);
        replays(&world);
    }
}

#[test]
fn with_a_test_that_was_asked_for() {
    let world = with_test_files(&[("test_stands", "test -e greeting.txt")]);
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
        writes("tests/test_greets.sh", "grep -q World greeting.txt\n"),
        Answer::text("Done."),
    ]);
    let kept = world.fix(&kimi, &["--reproduce"]).code(0).kept();
    assert_eq!(kept.events("nudged")[0]["kind"], "not_reproduced");
    replays(&world);
}

#[test]
fn with_a_patch_that_was_made_smaller_and_applied() {
    let world = with_tests("'greets=grep -q World greeting.txt' 'stands=test -e greeting.txt'");
    let kimi =
        MockKimi::script([writes("notes.txt", "Mended.\n"), Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    let ran = world.run_freely(world.keyed(&kimi, &["fix", TASK, "--minimize", "--apply"])).code(0);
    assert_eq!(ran.report()["patch"]["minimized"]["hunks_after"], 1);
    assert_eq!(world.git(&["status", "--porcelain"]), " M greeting.txt\n");
    replays(&world);
}

#[test]
fn with_checks_that_failed_before_they_passed() {
    let world = World::new();
    let checks = "[[check]]\nname = \"short\"\ncommand = \"test $(wc -c < greeting.txt) -lt 15\"\n";
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{checks}"));
    world.commit_all();
    let kimi = MockKimi::script([
        edits("greeting.txt", "Hello, Wrold!", "Hello, World! And all others."),
        Answer::text("Done."),
        edits("greeting.txt", " And all others.", ""),
        Answer::text("Done."),
    ]);
    let kept = world.fix(&kimi, &[]).code(0).kept();
    assert_eq!(kept.events("nudged")[0]["kind"], "checks_failed");
    let ran = replays(&world);
    assert!(ran.stdout().contains(" 2 checks are equal"), "{}", ran.stdout());
}

#[test]
fn with_tests_that_were_weakened() {
    let greets = [("test_greets", "grep -q World greeting.txt"), ("test_stands", "test -e greeting.txt")];
    let weakens = || edits("tests/test_greets.sh", "grep -q World greeting.txt\n", "exit 0\n");
    for (flags, code) in [(&[][..], 7), (&["--allow-test-edits"], 0)] {
        let world = with_test_files(&greets);
        let kimi =
            MockKimi::script([weakens(), Answer::text("Done."), Answer::text("It is right."), Answer::text("Yes.")]);
        world.fix(&kimi, flags).code(code);
        replays(&world);
    }
}

#[test]
fn from_where_the_user_stood() {
    let world = World::new();
    world.write("part/AGENTS.md", "Spell well.\n");
    world.commit_all();
    let kimi = looking();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.current_dir(world.root().join("part"));
    let kept = world.run(command).code(0).kept();
    assert!(kept.messages()[1]["content"].as_str().unwrap().contains("The user works in part/"));
    replays(&world);
}

#[test]
fn whatever_settings_there_are_by_now() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::overloaded(),
        Answer::call("run_tests", "{}"),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    world.fix(&kimi, &["--test", "./test.sh && true"]).code(0);
    world.configure(
        "model = \"another\"\n[limits]\nmax_completion_tokens = 1000\nmax_retries = 0\nmax_turns = 1\n\
         [test]\ncommand = \"false\"\nbaseline = false\n[[check]]\nname = \"never\"\ncommand = \"false\"",
    );
    replays(&world);
}

#[test]
fn behind_another_wall() {
    let world = World::new();
    world.write_test("pwd; grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'");
    world.commit_all();
    world.fix(&looking(), &["--sandbox", "off"]).code(0);
    replays(&world);

    let world = World::new();
    world.write_test("pwd; grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'");
    world.commit_all();
    world.fix(&looking(), &[]).code(0);
    let ran = world.run(world.kcode(&["replay", "--sandbox", "off"]));
    assert!(ran.stdout().contains("are equal"), "{}{}", ran.stdout(), ran.stderr());
    if refusing::is_installed() && refusing::can_be_made() {
        let refused = refusing::machine(None, &Bwrap::Plain, &world.kcode(&["replay"]));
        let ran = Ran::new(refusing::run(&mut { refused }), &world.state());
        assert!(ran.stdout().contains("are equal"), "{}{}", ran.stdout(), ran.stderr());
    }
}

/// The clone may lie anywhere, in whatever state its commits and branches are.
#[test]
fn in_a_clone_with_another_history() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let file = world.path("output/run.json");
    world.run(world.kcode(&["export", "--out", file.to_str().unwrap()])).code(0);

    let elsewhere = World::new();
    let place = elsewhere.path("a b");
    fs::rename(elsewhere.root(), &place).unwrap();
    fs::create_dir(elsewhere.root()).unwrap();
    elsewhere.git_in(&place, &["checkout", "-q", "-b", "another/branch"]);
    elsewhere
        .git_in(&place, &["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-q", "--amend", "-m", "x"]);
    let mut command = elsewhere.kcode(&["replay", file.to_str().unwrap()]);
    command.current_dir(&place).env("TZ", "Asia/Kathmandu").env("LANG", "de_DE.UTF-8");
    let ran = elsewhere.run(command);
    assert!(ran.stdout().contains("are equal"), "{}{}", ran.stdout(), ran.stderr());
}
