//! Law 7, test by test: before and after, flaky tests, and patches that make tests prove less.

use std::fs;

use serde_json::{Value, json};

use crate::fake_runner::{RUNNER, with_tests as world};
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mender};

pub const GREETS: &str = "'greets=grep -q World greeting.txt'";
pub const STANDS: &str = "'stands=test -e greeting.txt'";

/// A model that mends the greeting, and from then on only says so.
fn sure() -> MockKimi {
    first_then(Answer::call("edit_file", EDIT), Answer::text("All tests pass."))
}

/// What is said of tests in a report that was printed.
fn printed(ran: &Ran) -> Value {
    serde_json::from_str::<Value>(&ran.stdout()).unwrap()["tests"].clone()
}

fn tests(ran: &Ran) -> Value {
    ran.report()["tests"].clone()
}

#[test]
fn each_test_is_held_against_what_it_was_before() {
    let world = world(&format!("{GREETS} {STANDS} 'sad=false'"));
    let ran = world.fix(&sure(), &[]).code(5).says(&["tests failing", "nothing broken, 1 failure as before"]);
    let told = tests(&ran);
    assert_eq!(told["compared"], true);
    assert_eq!((&told["fixed"], &told["still_failing"]), (&json!(["greets"]), &json!(["sad"])));
    assert_eq!((&told["passing"], &told["broken"]), (&json!(1), &json!([])));
    assert_eq!(told["baseline"]["counts"], json!({"passed": 1, "failed": 2, "skipped": 0}));
    assert!(ran.kept().read("report.md").contains("| fixed | `greets` |"), "{}", ran.kept().read("report.md"));
}

#[test]
fn the_trees_that_tests_ran_on_are_named_as_git_names_them() {
    let world = world(&format!("{GREETS} {STANDS}"));
    let start = world.git(&["rev-parse", "HEAD^{tree}"]);
    let ran = world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0).says(&[
        "verified",
        "fixed greets",
        "nothing broken",
    ]);
    let told = tests(&ran);
    assert_eq!(told["baseline"]["tree"], start.trim());
    world.commit_all();
    assert_eq!(told["after"]["tree"], world.git(&["rev-parse", "HEAD^{tree}"]).trim());
}

#[test]
fn what_the_patch_broke_is_named_first_and_told_to_the_model() {
    let world = world(&format!("'keeps=grep -q Hello greeting.txt' {GREETS} 'sad=false'"));
    let edit = r#"{"path": "greeting.txt", "old_text": "Hello, Wrold", "new_text": "Bye, World"}"#;
    let kimi = first_then(Answer::call("edit_file", edit), Answer::text("All tests pass."));
    world.fix(&kimi, &[]).code(5).says(&["broken keeps", "still failing sad"]);
    let asked = kimi.requests()[2].last_text().to_owned();
    let place = |words: &str| asked.find(words).unwrap_or_else(|| panic!("{words:?} is not in: {asked}"));
    assert!(place("Passed before your change, fail now:\n- keeps") < place("still fail:\n- sad"), "{asked}");
}

#[test]
fn a_test_that_fails_by_turns_is_flaky_and_never_fixed() {
    // Fails in every other run of one worker; the start state's has its own home.
    let by_turns = "'moody=test -e $HOME/ran && rm $HOME/ran || { touch $HOME/ran; false; }'";
    let world = world(&format!("{GREETS} {by_turns}"));
    let ran = world.fix(&mender(), &[]);
    let told = tests(&ran);
    assert_eq!((&told["flaky"], &told["fixed"]), (&json!(["moody"]), &json!(["greets"])));
    assert_eq!(told["broken"], json!([]));
}

#[test]
fn a_test_that_fails_once_is_run_again_until_it_is_clear() {
    // Of the runs with the patch the first fails; what is confirmed, is so in a home of its own.
    let once =
        "'shy=grep -q Wrold greeting.txt || test -e $HOME/ran || { touch $HOME/ran; echo $HOME | grep -q /afresh/; }'";
    let world = world(&format!("{GREETS} {once}"));
    let ran = world.fix(&mender(), &[]).code(0).says(&["verified", "flaky shy"]);
    assert_eq!(tests(&ran)["flaky"], json!(["shy"]));
    let verifications = ran.kept().events("tests_ran").iter().filter(|ran| ran["purpose"] == "verification").count();
    assert_eq!(verifications, 3);
    assert_eq!((&tests(&ran)["runs"], &tests(&ran)["failed_runs"]), (&json!(3), &json!(1)));
    assert!(ran.kept().read("report.md").contains("(the last of 3, 1 failed)"));
}

#[test]
fn a_patch_does_not_fail_by_a_test_that_is_known_to_be_flaky() {
    // Passes in the second run of each worker, and where a pass is confirmed: known to be flaky from the start state, which is
    // measured twice because it fails.
    let by_turns = "'moody=test -e $HOME/ran || { touch $HOME/ran; echo $HOME | grep -q /afresh/; }'";
    let world = world(&format!("{GREETS} {by_turns}"));
    let ran = world.fix(&mender(), &[]).code(0).says(&["verified", "flaky moody"]);
    assert_eq!((&tests(&ran)["flaky"], &tests(&ran)["runs"]), (&json!(["moody"]), &json!(3)));
    assert_eq!(ran.kept().events("nudged").len(), 0, "the model isn't asked to mend it");
}

#[test]
fn the_start_state_is_measured_once_for_each_tree_and_command() {
    let world = world(GREETS);
    let first = world.fix(&mender(), &["--output", "json"]).code(0);
    assert!(printed(&first)["baseline"]["log"].is_string());
    let again = world.fix(&mender(), &["--output", "json"]).code(0).says(&["known from an earlier run"]);
    assert_eq!(
        (&printed(&first)["baseline"]["cached"], &printed(&again)["baseline"]["cached"]),
        (&false.into(), &true.into())
    );
    assert_eq!(printed(&again)["fixed"], json!(["greets"]));
    assert_eq!(printed(&again)["baseline"]["log"], Value::Null, "there is none of this run's");

    world.write("greeting.txt", "Hello, Wrold?\n");
    let ran = world.fix(&mender(), &["--output", "json"]).code(0);
    assert!(printed(&ran)["baseline"]["log"].is_string(), "another tree: {:#}", printed(&ran));
}

#[test]
fn runs_beside_each_other_on_one_tree_measure_it_once() {
    // It takes a while, so that all of them ask before the first one knows.
    let world = world(&format!("'slow=sleep 2' {GREETS}"));
    let kimis: Vec<MockKimi> = (0..4).map(|_| mender()).collect();
    let running: Vec<_> = kimis.iter().map(|kimi| world.start(world.keyed(kimi, &["fix", TASK]))).collect();
    for running in running {
        running.wait().code(0);
    }
    let journals = world.runs().into_iter().map(|run| fs::read_to_string(run.join("journal.jsonl")).unwrap());
    let lines: Vec<Value> = journals
        .flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>())
        .collect();
    let baselines = lines.iter().filter(|line| line["type"] == "tests_ran" && line["purpose"] == "baseline");
    let (known, measured): (Vec<_>, Vec<_>) = baselines.partition(|line| line["cached"] == true);
    // Twice each, as they fail.
    assert_eq!((measured.len(), known.len()), (2, 6));
    assert!(measured.iter().all(|line| line["log"] != ""), "they ran in the run that tells of them");
}

#[test]
fn the_start_state_is_left_alone_when_a_person_says_so() {
    let world = world(GREETS);
    let ran = world.fix(&mender(), &["--no-baseline"]).code(0);
    assert_eq!((tests(&ran)["compared"].clone(), tests(&ran)["baseline"].clone()), (json!(false), Value::Null));
    assert_eq!(tests(&ran)["baseline_missing"], "turned off (--no-baseline)");
    let report = ran.kept().read("report.md");
    assert!(report.contains("started from: not known: turned off (--no-baseline)."), "{report}");
    ran.says(&["before  not known: turned off (--no-baseline)"]);
}

#[test]
fn a_start_state_that_nobody_waited_for_is_said_to_be_unknown() {
    // It takes its time on the start state alone, and the run has none.
    let world = world(&format!("{GREETS}; grep -q World greeting.txt || sleep 60"));
    let ran = world.fix(&mender(), &["--max-time", "4s"]);
    let reason = tests(&ran)["baseline_missing"].clone();
    assert_eq!(reason, "it was not measured when the time of the run was up", "{}", tests(&ran));
}

#[test]
fn a_run_without_a_verification_says_so_of_its_start_state() {
    let world = world(GREETS);
    let ran = world.fix(&mender(), &["--max-turns", "1"]).code(6);
    assert_eq!(tests(&ran)["baseline_missing"], "the run ended before its patch was judged");
    assert_eq!(ran.report()["certificate"]["environment"], Value::Null);
}

#[test]
fn an_exit_code_that_the_runner_itself_contradicts_counts_for_nothing() {
    let world = world(&format!("{GREETS} 'sad=false'; exit 0"));
    world.fix(&sure(), &[]).code(5).says(&["tests failing", "exit code 0, but by its own report 1 failed"]);
}

/// A project whose tests load `code.sh` first, which does nothing, and leave what lies in `cache/` to themselves.
fn loading(tests: &str) -> World {
    let world = World::new();
    world.write("code.sh", "true\n");
    world.write(".gitignore", "cache/\n");
    world.write_test(&format!("{RUNNER}\n. ./code.sh\n{tests}"));
    world.commit_all();
    world
}

/// An edit of `code.sh`.
fn edit_code(old: &str, new: &str) -> Answer {
    Answer::call("edit_file", &json!({"path": "code.sh", "old_text": old, "new_text": new}).to_string())
}

#[test]
fn tests_that_are_silent_now_prove_nothing() {
    let narrow = format!("if [ -n \"$narrow\" ]; then run {STANDS}; else run {GREETS} {STANDS}; fi");
    for (script, code, why) in [
        (format!("run {GREETS} {STANDS}"), "exit 0", "the runner reported 2 tests; now it"),
        (narrow, "narrow=yes", "`greets` failed before the patch, and didn't run after it"),
    ] {
        let kimi = first_then(edit_code("true", code), Answer::text("All tests pass."));
        let world = loading(&script);
        let ran = world.fix(&kimi, &[]).code(7).says(&["refused"]);
        let told = kimi.requests()[2].last_text().to_owned();
        assert!(told.contains(why), "{told}");
        assert_eq!(tests(&ran)["fixed"], json!([]));
    }
}

#[test]
fn what_earlier_commands_left_is_no_reason_to_pass() {
    let world = loading(&format!("run 'greets=test -e cache/ok || grep -q World greeting.txt' {STANDS}"));
    let leaves = "mkdir -p cache; touch cache/ok";
    let kimi = MockKimi::script([
        edit_code("true", leaves),
        Answer::call("run_tests", "{}"),
        edit_code(leaves, "true # as before"),
        Answer::text("All tests pass."),
        Answer::text("All tests pass."),
    ]);
    let ran = world.fix(&kimi, &[]).code(5).says(&["tests failing"]);
    assert_eq!(tests(&ran)["fixed"], json!([]));
}

/// A Python test that reads the greeting, and the runner for it.
fn python() -> World {
    let world = world(r#""greeting_is_right=python3 -B tests/test_greeting.py""#);
    world.write(
        "tests/test_greeting.py",
        "def test_greeting():\n    text = open('greeting.txt').read()\n    assert text == 'Hello, World!\\n'\n\n\ntest_greeting()\n",
    );
    world.commit_all();
    world
}

/// An edit that weakens, and then nothing but words.
fn weakens(old: &str, new: &str) -> MockKimi {
    let edit = json!({"path": "tests/test_greeting.py", "old_text": old, "new_text": new}).to_string();
    let mut turns = vec![Answer::text("All tests pass."), Answer::call("edit_file", &edit)];
    MockKimi::answering(move |_| turns.pop().unwrap_or_else(|| Answer::text("All tests pass.")))
}

#[test]
fn a_model_that_weakens_a_test_is_told_once_and_then_refused() {
    for (old, new) in [
        ("    assert text == 'Hello, World!\\n'", "    assert text"),
        ("    assert text == 'Hello, World!\\n'", "    pass"),
        ("    text = open", "    return\n    text = open"),
        ("\ntest_greeting()\n", "\n"),
    ] {
        let (world, kimi) = (python(), weakens(old, new));
        let ran = world.fix(&kimi, &["--dry-run"]).code(7).says(&[
            "refused",
            "tests/test_greeting.py:",
            "--allow-test-edits",
        ]);
        let told = kimi.requests()[2].last_text().to_owned();
        assert!(told.contains("can't accept this:\n- tests/test_greeting.py:"), "{told}");
        assert_eq!(tests(&ran)["touched"]["refused_for"].as_array().map(Vec::is_empty), Some(false));
        assert!(ran.stdout().contains("test_greeting.py"), "the patch is kept and shown");
    }
}

#[test]
fn a_model_that_mends_the_code_after_all_is_fine() {
    let world = python();
    let weaken = json!({"path": "tests/test_greeting.py", "old_text": "    assert text ==", "new_text": "    assert text or text =="});
    let restore = json!({"path": "tests/test_greeting.py", "old_text": "    assert text or text ==", "new_text": "    assert text =="});
    let kimi = MockKimi::script([
        Answer::call("edit_file", &weaken.to_string()),
        Answer::text("Done."),
        Answer::call("edit_file", &restore.to_string()),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(tests(&ran)["touched"], Value::Null);
}

#[test]
fn a_person_may_allow_it() {
    let world = python();
    let kimi = weakens("    assert text == 'Hello, World!\\n'", "    assert text");
    let ran = world.fix(&kimi, &["--allow-test-edits"]).code(0);
    assert_eq!(tests(&ran)["touched"]["allowed"], "--allow-test-edits");
}
