//! What counts as a cause that no edit mends, and what only looks like one: words of a program under test, failures beside others, a
//! success without any test.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, first_then, mender, together};

const REFUSED: &str = "the tests can't run here: ";

fn with_test(script: &str) -> World {
    let world = World::new();
    world.write_test(script);
    world.commit_all();
    world
}

fn with_command(command: &str, files: &[(&str, &str)]) -> World {
    let world = World::new();
    world.write(".kcode.toml", format!("[test]\ncommand = {}\n", json!(command)));
    for (name, text) in files {
        world.write(name, text);
    }
    world.commit_all();
    world
}

/// Told before anything is paid for.
fn is_refused(world: &World, words: &[&str]) {
    let kimi = mender();
    let ran = world.fix(&kimi, &[]).code(78).says(&[REFUSED]).says(words);
    assert_eq!(kimi.requests().len(), 0, "{}", ran.stderr());
}

#[test]
fn words_of_the_program_that_is_mended_end_nothing() {
    together(
        [
            "alpha: not found",
            "sh: 1: alpha: not found",
            "env: 'alpha': No such file or directory",
            "make: *** No rule to make target 'test'.  Stop.",
            "npm error Missing script: \"test\"",
            "/usr/bin/python3: No module named pytest",
            "ModuleNotFoundError: No module named 'requests'",
            "Error: Cannot find module 'express'",
            "bundler: command not found: rspec",
            "ERROR: Could not find a version that satisfies the requirement x",
            "OSError: [Errno 30] Read-only file system: '/usr/x'",
            "Temporary failure in name resolution",
        ],
        |words| {
            let says =
                format!("grep -q World greeting.txt && exit 0\ncat <<'END'\n{words}\nFAIL: not stored\nEND\nexit 1");
            with_test(&says).fix(&mender(), &[]).code(0).says(&["verified"]);
        },
    );
}

/// What `cargo test` prints of two tests, one of which says `words` whatever is edited.
fn beside(words: &str) -> World {
    with_test(&format!(
        r#"greets=ok; grep -q World greeting.txt || greets=FAILED
echo 'running 2 tests'
echo "test greets ... $greets"
echo 'test other ... FAILED'
echo; echo 'failures:'; echo
[ $greets = ok ] || {{ echo '---- greets stdout ----'; echo "it doesn't greet"; echo; }}
echo '---- other stdout ----'; echo '{words}'; echo
failed=1; [ $greets = ok ] || failed=2
echo "test result: FAILED. $((2 - failed)) passed; $failed failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
exit 101"#
    ))
}

/// A model whose second edit is the right one.
fn second_try() -> MockKimi {
    let wrong = r#"{"path": "greeting.txt", "old_text": "Hello", "new_text": "Hallo"}"#;
    MockKimi::script(vec![
        Answer::call("read_file", r#"{"path": "greeting.txt"}"#),
        Answer::call("edit_file", wrong),
        Answer::text("Done."),
        Answer::call("edit_file", EDIT),
        Answer::text("Now it is."),
    ])
}

#[test]
fn a_failure_that_the_sandbox_causes_excuses_no_other() {
    let world = beside("socket.gaierror: [Errno -3] Temporary failure in name resolution");
    let kimi = second_try();
    let ran = world.fix(&kimi, &[]).code(5).says(&["the sandbox has no network"]);
    assert_eq!(ran.kept().events("nudged").len(), 1, "the model hears of the other failure: {}", ran.stderr());
    assert_eq!(kimi.requests().len(), 5, "and of nothing once that is mended");
}

#[test]
fn an_assertion_about_such_words_goes_back_to_the_model() {
    let world = beside("assertion failed: \"Read-only file system\" != \"stored\"");
    let ran = world.fix(&second_try(), &["--max-turns", "5"]);
    assert!(!ran.kept().events("nudged").is_empty(), "{}", ran.stderr());
}

#[test]
fn scripts_that_cant_be_started_are_told_with_the_reason() {
    let world = with_command("./run_tests.sh", &[("run_tests.sh", "#!/bin/sh\ntrue\n")]);
    is_refused(&world, &["run_tests.sh isn't executable", "chmod +x"]);
    let executable =
        |world: &World| fs::set_permissions(world.root().join("run_tests.sh"), Permissions::from_mode(0o755)).unwrap();
    world.write("run_tests.sh", "#!/bin/sh\r\ntrue\r\n");
    executable(&world);
    is_refused(&world, &["CRLF"]);
    world.write("run_tests.sh", "#!/no/such/python\nprint()\n");
    executable(&world);
    is_refused(&world, &["/no/such/python, which is to run ./run_tests.sh, isn't there"]);
    is_refused(&with_command("timeout 10 no-such-cmd", &[]), &["no-such-cmd isn't there"]);
    is_refused(&with_command("make check", &[]), &["the makefile has no target check, or there is none"]);
}

#[test]
fn packages_that_the_project_asks_for_are_told_before_the_first_request() {
    let test =
        "import unittest\nimport no_such_package\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n";
    let list = ("requirements.txt", "no-such-package==1.0\n");
    let world = with_command("python3 -m unittest discover -s tests", &[list, ("tests/test_a.py", test)]);
    is_refused(&world, &["the Python package for no_such_package isn't installed", "pip install -r requirements.txt"]);
    let world = with_command("python3 -m unittest discover -s tests", &[("tests/test_a.py", test)]);
    let kimi = first_then(Answer::call("edit_file", EDIT), Answer::text("Done."));
    world.fix(&kimi, &[]).code(5);
    assert_ne!(kimi.requests().len(), 0, "it may be the module that is to be written");
}

#[test]
fn a_program_that_is_there_outside_is_called_hidden() {
    let world = World::new();
    let folder = world.path("home/venvs/x");
    fs::create_dir_all(folder.join("bin")).unwrap();
    let program = folder.join("bin/checker");
    fs::write(&program, "#!/bin/sh\ngrep -q World greeting.txt && echo 'ok 1 - greeting'\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    world.write(".kcode.toml", format!("[test]\ncommand = {}\n", json!(format!("{} -q", program.display()))));
    world.commit_all();
    is_refused(&world, &[&format!("the sandbox hides {}", folder.display()), "--readable"]);
    world.fix(&mender(), &["--readable", &folder.display().to_string()]).code(0).says(&["verified"]);
}

#[test]
fn a_run_without_any_test_verifies_nothing() {
    together(
        [
            "No tests were found!!!",
            "Files=0, Tests=0,  0 wallclock secs ( 0.00 usr +  0.00 sys =  0.00 CPU)\nResult: NOTESTS",
            "?   \texample.org/m\t[no test files]",
            "1..0",
            "No tests found, exiting with code 0",
            "No test files found, exiting with code 0",
            "> Task :test NO-SOURCE\n\nBUILD SUCCESSFUL in 1s",
            "There are no tests to run",
        ],
        |words| {
            let world = with_test(&format!("cat <<'END'\n{words}\nEND"));
            world.fix(&mender(), &[]).code(4).says(&["ran no tests"]);
        },
    );
}
