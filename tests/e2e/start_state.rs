//! What is kept of the start state's tests, and when they are run on it again.

use std::fs;

use serde_json::{Value, json};

use crate::fake_runner::RUNNER;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, first_then, mender};

/// The greeting is mended, and what stood before it is lost.
const BREAKS: &str = r#"{"path": "greeting.txt", "old_text": "Hello, Wrold", "new_text": "Bye, World"}"#;
const TESTS: &str = "'greets=grep -q World greeting.txt' 'keeps=grep -q Hello greeting.txt'";

fn breaker() -> MockKimi {
    first_then(Answer::call("edit_file", BREAKS), Answer::text("All tests pass."))
}

/// A project whose test is `script`, after the runner.
fn with_script(script: &str) -> World {
    let world = World::new();
    world.write_test(&format!("{RUNNER}\n{script}"));
    world.commit_all();
    world
}

/// What is said of tests in a report that was printed.
fn tests(ran: &Ran) -> Value {
    serde_json::from_str::<Value>(&ran.stdout()).unwrap()["tests"].clone()
}

fn fix(world: &World, kimi: &MockKimi) -> Ran {
    world.fix(kimi, &["--output", "json"])
}

#[test]
fn a_start_state_whose_tests_never_ran_is_not_kept() {
    let world =
        with_script(&format!("test -e build/ready || {{ echo 'error: nothing is ready'; exit 101; }}\nrun {TESTS}"));
    let first = fix(&world, &breaker()).code(5);
    assert_eq!((&tests(&first)["compared"], &tests(&first)["broken"]), (&json!(false), &json!([])));

    // Git ignores it, so that the tree is the same.
    world.write("build/ready", "");
    let again = fix(&world, &breaker()).code(5).says(&["broken keeps"]);
    assert_eq!((&tests(&again)["baseline"]["cached"], &tests(&again)["broken"]), (&json!(false), &json!(["keeps"])));
}

#[test]
fn what_is_kept_is_measured_anew_when_it_lacks_tests_that_ran_later() {
    // In a cache, where nobody looks.
    let more = "__pycache__/more";
    let world = with_script(&format!(
        "test -e {more} || set -- 'greets=grep -q World greeting.txt'\n\
                                      test -e {more} && set -- {TESTS}\nrun \"$@\""
    ));
    world.write(".gitignore", "__pycache__/\n");
    world.commit_all();
    fix(&world, &mender()).code(0).says(&["fixed greets"]);

    world.write(more, "");
    let again = fix(&world, &breaker()).code(5).says(&["known from an earlier run", "broken keeps"]);
    assert_eq!((&tests(&again)["baseline"]["cached"], &tests(&again)["broken"]), (&json!(false), &json!(["keeps"])));
}

#[test]
fn what_was_installed_beside_the_tree_is_measured_with() {
    let world = with_script(&format!("run {TESTS}"));
    world.write(".gitignore", "/build/\n/node_modules/\n");
    world.commit_all();
    fix(&world, &mender()).code(0);
    fix(&world, &mender()).code(0).says(&["known from an earlier run"]);
    world.write("node_modules/left-pad/index.js", "");
    let ran = fix(&world, &mender()).code(0);
    assert_eq!(tests(&ran)["baseline"]["cached"], json!(false));
}

/// The breaking patch on a start state that an earlier run measured while the tests went otherwise, for what `path` held. The
/// tests read that file, which git doesn't track.
fn measured_before(path: &str, before: Option<&str>, now: &str) -> (World, Ran) {
    let world = with_script(&format!("run {TESTS} 'local=grep -q ready {path} && grep -q Hello greeting.txt'"));
    world.write(".gitignore", "/build/\n/local.json\n/target/\n/node_modules/\n");
    world.commit_all();
    if let Some(before) = before {
        world.write(path, before);
    }
    fix(&world, &breaker()).code(5);
    fix(&world, &breaker()).code(5).says(&["known from an earlier run"]);
    world.write(path, now);
    let ran = fix(&world, &breaker()).code(5);
    (world, ran)
}

#[test]
fn an_ignored_file_that_tests_read_is_part_of_the_start_state() {
    for (path, before) in [
        ("local.json", None),
        ("local.json", Some("other")),
        ("build/out.txt", Some("other")),
        ("target/out.txt", Some("other")),
        ("node_modules/dep/index.js", Some("other")),
    ] {
        let (_, ran) = measured_before(path, before, "ready");
        let tests = tests(&ran);
        assert_eq!(
            (&tests["baseline"]["cached"], &tests["broken"]),
            (&json!(false), &json!(["keeps", "local"])),
            "{path}"
        );
    }
    let (_, ran) = measured_before("local.json", Some("ready"), "other");
    assert_eq!((&tests(&ran)["broken"], &tests(&ran)["still_failing"]), (&json!(["keeps"]), &json!(["local"])));
}

#[test]
fn caches_that_a_person_s_own_runs_write_change_no_start_state() {
    let world = with_script(&format!("run {TESTS}"));
    world.write(".gitignore", "__pycache__/\n.pytest_cache/\n");
    world.commit_all();
    fix(&world, &mender()).code(0);
    world.write("__pycache__/a.pyc", "");
    world.write(".pytest_cache/v/cache/lastfailed", "");
    fix(&world, &mender()).code(0).says(&["known from an earlier run"]);
}

#[test]
fn packages_of_an_activated_environment_are_part_of_the_start_state() {
    let world = with_script(&format!("run {TESTS}"));
    let module = world.path("env/lib/python3.12/site-packages/dep/core.py");
    fs::create_dir_all(module.parent().unwrap()).unwrap();
    let fix = |text: &str| {
        fs::write(&module, text).unwrap();
        let kimi = mender();
        let mut kcode = world.keyed(&kimi, &["fix", TASK, "--output", "json"]);
        kcode.env("VIRTUAL_ENV", world.path("env"));
        tests(&world.run(kcode).code(0))["baseline"]["cached"].clone()
    };
    assert_eq!((fix("VALUE = 1"), fix("VALUE = 2")), (json!(false), json!(false)));
}
