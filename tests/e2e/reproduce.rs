//! A test that shows what the patch mends: it fails without the fix and passes with it, by kcode's own runs.

use serde_json::{Value, json};

use crate::fake_runner::{with_test_files, with_tests};
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender, open_rust, rust_programs};

/// A test that passes with the bug and without it.
const STANDS: (&str, &str) = ("test_stands", "test -e greeting.txt");

fn reproduced(ran: &Ran) -> Value {
    ran.report()["tests"]["reproduced"].clone()
}

/// How often kcode ran the tests beside the run.
fn trials(ran: &Ran) -> usize {
    ran.kept().events("tests_ran").iter().filter(|ran| ran["purpose"] == "trial").count()
}

fn adds(test: &str, content: &str) -> Answer {
    let write = json!({"path": format!("tests/{test}.sh"), "content": format!("{content}\n")});
    Answer::call("write_file", &write.to_string())
}

fn script(world: &World, turns: Vec<Answer>, arguments: &[&str]) -> Ran {
    world.fix(&MockKimi::script(turns), arguments)
}

#[test]
fn a_test_that_failed_before_and_passes_now_shows_it_at_once() {
    let world = with_tests("'greets=grep -q World greeting.txt'");
    let ran = world.fix(&mender(), &[]).code(0);
    let told = reproduced(&ran);
    assert_eq!((&told["state"], &told["by"]), (&json!("yes"), &json!(["greets"])));
    assert_eq!(trials(&ran), 0);
    assert!(ran.kept().read("report.md").contains("**Reproduced**: yes by `greets`"));
    assert!(!ran.stderr().contains("shows"), "that it is fixed says so");
}

#[test]
fn a_new_test_is_tried_without_the_fix() {
    let world = with_test_files(&[STANDS]);
    let turns =
        vec![adds("test_greets", "grep -q World greeting.txt"), Answer::call("edit_file", EDIT), Answer::text("Done.")];
    let ran = script(&world, turns, &["--reproduce"]).code(0).says(&["· reproduced by test_greets"]);
    let told = reproduced(&ran);
    assert_eq!((&told["state"], &told["by"], &told["asked"]), (&json!("yes"), &json!(["test_greets"]), &json!(true)));
    assert_eq!(trials(&ran), 2, "once more, as it failed");
    let survey = &ran.kept().messages()[1];
    assert!(survey["content"].as_str().unwrap().contains("# Reproduce first"), "{survey}");
}

#[test]
fn a_test_that_is_made_to_ask_for_more_is_tried_as_well() {
    let world = with_test_files(&[STANDS]);
    let more = json!({"path": "tests/test_stands.sh", "old_text": "test -e greeting.txt\n", "new_text": "test -e greeting.txt && grep -q World greeting.txt\n"});
    let turns = vec![
        Answer::call("read_file", r#"{"path": "tests/test_stands.sh"}"#),
        Answer::call("edit_file", &more.to_string()),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ];
    assert_eq!(reproduced(&script(&world, turns, &[]).code(0))["by"], json!(["test_stands"]));
}

#[test]
fn a_new_test_that_passes_without_the_fix_shows_nothing() {
    let world = with_test_files(&[STANDS]);
    let turns = vec![adds("test_file", "test -f greeting.txt"), Answer::call("edit_file", EDIT), Answer::text("Done.")];
    let ran =
        script(&world, turns, &[]).code(0).says(&["shows   nothing: the patch's tests pass without the fix, too"]);
    assert_eq!(reproduced(&ran)["state"], "no");
    assert_eq!(trials(&ran), 1);
}

#[test]
fn a_model_that_adds_no_test_is_asked_once_and_the_run_is_what_it_is() {
    let world = with_test_files(&[STANDS]);
    let turns = vec![Answer::call("edit_file", EDIT), Answer::text("Done."), Answer::text("No test can show it.")];
    let kimi = MockKimi::script(turns);
    let ran = world.fix(&kimi, &["--reproduce"]).code(0).says(&["verified", "· not reproduced", "asked for one"]);
    assert!(kimi.requests()[2].last_text().contains("kcode found none: no test failed"));
    assert_eq!((kimi.requests().len(), &reproduced(&ran)["state"]), (3, &json!("no")));
    let verified = ran.kept().events("tests_ran").iter().filter(|ran| ran["purpose"] == "verification").count();
    assert_eq!(verified, 1, "nothing changed since");
    let again = world.fix(&mender(), &[]).code(0);
    assert!(!again.stderr().contains("not reproduced"), "nobody asked");
}

#[test]
fn a_model_that_adds_the_test_when_asked_again_is_fine() {
    let world = with_test_files(&[STANDS]);
    let turns = vec![
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
        adds("test_greets", "grep -q World greeting.txt"),
        Answer::text("Done."),
    ];
    let ran = script(&world, turns, &["--reproduce"]).code(0);
    assert_eq!(reproduced(&ran)["by"], json!(["test_greets"]));
}

#[test]
fn a_limit_after_the_question_takes_nothing_from_what_was_verified() {
    let world = with_test_files(&[STANDS]);
    let look = || Answer::call("read_file", r#"{"path": "greeting.txt"}"#);
    let turns = vec![Answer::call("edit_file", EDIT), Answer::text("Done."), look(), look(), look()];
    let ran = script(&world, turns, &["--reproduce", "--max-turns", "5"]).code(0).says(&["· not reproduced"]);
    assert_eq!(reproduced(&ran)["state"], "no");
}

#[test]
fn a_test_that_cant_be_built_without_the_fix_shows_nothing_unless_it_was_seen_to_fail() {
    let test = "# needs new.txt\ngrep -q World new.txt";
    let new = |text: &str| Answer::call("write_file", &json!({"path": "new.txt", "content": text}).to_string());
    let world = with_test_files(&[STANDS]);
    let ran = script(&world, vec![adds("test_new", test), new("World\n"), Answer::text("Done.")], &[]).code(0);
    let told = reproduced(&ran);
    assert_eq!((&told["state"], &told["by"]), (&json!("no"), &json!([])));
    assert!(told["why"].as_str().unwrap().contains("can't be built"), "{told}");

    let world = with_test_files(&[STANDS]);
    let mend = json!({"path": "new.txt", "old_text": "Wrold", "new_text": "World"}).to_string();
    let turns = vec![
        adds("test_new", test),
        new("Wrold\n"),
        Answer::call("run_tests", "{}"),
        Answer::call("edit_file", &mend),
        Answer::text("Done."),
    ];
    assert_eq!(reproduced(&script(&world, turns, &[]).code(0))["by"], json!(["test_new"]));
}

#[test]
fn where_single_tests_arent_known_nothing_is_claimed() {
    let world = World::new();
    let ran = world.fix(&mender(), &["--reproduce", "--test", "grep -q World greeting.txt"]).code(0);
    assert_eq!(reproduced(&ran)["state"], "not checked");
    let untested = World::new();
    let ran = untested.fix(&mender(), &["--no-verify"]).code(4);
    assert_eq!(reproduced(&ran)["state"], "not checked");
    for flag in ["--no-verify", "--no-baseline"] {
        untested.fix(&mender(), &["--reproduce", flag]).code(2);
    }
}

/// Rust keeps tests in the file of what they test: the hunks of one file are told apart, by the real compiler.
#[test]
fn tests_inside_the_file_that_is_mended_are_tried_without_the_fix() {
    let world = World::new();
    world.write_test(&format!("{}/rustc --test lib.rs -o $TMPDIR/tests && $TMPDIR/tests", rust_programs().display()));
    world
        .write("lib.rs", "//! Sums.\n\n#[test]\nfn stands() {}\n\npub fn add(a: i32, b: i32) -> i32 {\n    a - b\n}\n");
    world.commit_all();
    let tests = "    a + b\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n}\n";
    let turns = vec![
        Answer::call(
            "edit_file",
            &json!({"path": "lib.rs", "old_text": "    a - b\n}\n", "new_text": tests}).to_string(),
        ),
        Answer::call(
            "edit_file",
            &json!({"path": "lib.rs", "old_text": "//! Sums.", "new_text": "//! Sums, mended."}).to_string(),
        ),
        Answer::text("Done."),
    ];
    let kimi = MockKimi::script(turns);
    let mut command = world.keyed(&kimi, &["fix", TASK, "--reproduce", "--minimize"]);
    open_rust(&mut command);
    let ran = world.run(command).code(0);
    let ran = ran.says(&["reproduced by tests::adds", "2 of 3 hunks needed"]);
    assert_eq!(reproduced(&ran)["by"], json!(["tests::adds"]));
    assert!(!ran.stdout().contains("mended"), "{}", ran.stdout());
}
