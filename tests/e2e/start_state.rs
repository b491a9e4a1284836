//! What is kept of the start state's tests, and when they are run on it again.

use serde_json::{Value, json};

use crate::fake_runner::RUNNER;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{World, first_then, mender};

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
    let world = with_script(&format!(
        "test -e build/more || set -- 'greets=grep -q World greeting.txt'\n\
                                      test -e build/more && set -- {TESTS}\nrun \"$@\""
    ));
    fix(&world, &mender()).code(0).says(&["fixed greets"]);

    world.write("build/more", "");
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
