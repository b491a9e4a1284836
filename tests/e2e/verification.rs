//! Law 7: kcode's own test runs after the last edit decide, and no word of the model.

use std::fs;

use serde_json::json;

use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, first_then, mender, together};

/// A model that edits once and then insists that all is well.
fn stubborn(edit: &'static str) -> MockKimi {
    first_then(Answer::call("edit_file", edit), Answer::text("All tests pass."))
}

const WRONG_EDIT: &str = r#"{"path": "greeting.txt", "old_text": "Wrold", "new_text": "Wolrd"}"#;

fn verifications(kept: &Kept) -> usize {
    kept.events("tests_ran").iter().filter(|ran| ran["purpose"] == "verification").count()
}

#[test]
fn failing_tests_go_back_three_times_and_then_decide() {
    let world = World::new();
    world.write_test("echo 'not ok 1 - it greets'; cat greeting.txt; exit 3");
    let turns = [("Wrold", "Wolrd"), ("Wolrd", "Wlord"), ("Wlord", "Wdlor"), ("Wdlor", "Wolrd")].map(|(old, new)| {
        let edit = format!(r#"{{"path": "greeting.txt", "old_text": "{old}", "new_text": "{new}"}}"#);
        [Answer::call("edit_file", &edit), Answer::text("All tests pass.")]
    });
    let kimi = MockKimi::script(turns.into_iter().flatten());
    let ran = world.fix(&kimi, &[]).code(5);
    kimi.assert_clean();
    assert_eq!(kimi.requests().len(), 8, "an edit and an end, and three more of both");
    assert_eq!(verifications(&ran.kept()), 4);
    let told = kimi.requests()[2].last_text().to_owned();
    for words in ["`./test.sh` ended with exit code 3", "not ok 1 - it greets", "Hello, Wolrd!", "Don't weaken tests"] {
        assert!(told.contains(words), "{words:?} is not in: {told}");
    }
    let report = ran.report();
    assert_eq!((&report["outcome"], &report["tests"]["fresh"]), (&json!("tests_failing"), &json!(true)));
    assert_eq!(report["tests"]["after"]["exit_code"], 3);
    assert!(ran.stdout().contains("+Hello, Wolrd!"), "the patch is kept");
    ran.says(&["tests failing", "./test.sh fails"]);
}

#[test]
fn without_another_edit_there_is_nothing_to_run_again() {
    let world = World::new();
    world.write_test("exit 3");
    let kimi = stubborn(WRONG_EDIT);
    let ran = world.fix(&kimi, &[]).code(5);
    assert_eq!((kimi.requests().len(), verifications(&ran.kept())), (3, 1));
    assert_eq!(ran.report()["tests"]["fresh"], true);
}

#[test]
fn a_run_of_no_tests_verifies_nothing() {
    let world = World::new();
    world.write_test("echo 'Ran 0 tests in 0.000s'; echo; echo OK");
    let ran = world.fix(&crate::world::mender(), &[]).code(4);
    ran.says(&["unverified", "passes, but ran no tests"]);
}

#[test]
fn a_patch_with_a_gap_verifies_nothing() {
    let world = World::new();
    world.write_test("printf x > \"$(printf 'b\\377d')\"; grep -q 'Hello, World!' greeting.txt");
    let ran = world.fix(&crate::world::mender(), &["--include-generated", "**"]).code(4);
    assert_eq!(ran.report()["patch"]["left_out"].as_array().map(Vec::len), Some(1));
    ran.says(&["the tests ran on more than the patch holds", "left out:", "its name is not UTF-8"]);
}

#[test]
fn what_only_a_command_wrote_is_no_gap() {
    let world = World::new();
    world.write_test("printf x > \"$(printf 'b\\377d')\"; grep -q 'Hello, World!' greeting.txt");
    world
        .fix(&crate::world::mender(), &[])
        .code(0)
        .says(&["not in the patch, written by commands", "can't be in a patch"]);
}

#[test]
fn a_failure_that_is_mended_counts_as_mended() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::call("edit_file", WRONG_EDIT),
        Answer::text("Done."),
        Answer::call("edit_file", r#"{"path": "greeting.txt", "old_text": "Wolrd", "new_text": "World"}"#),
        Answer::text("Now it is."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(verifications(&ran.kept()), 3, "one fails, one passes, and that is confirmed");
}

#[test]
fn the_models_own_test_run_is_no_evidence() {
    let world = World::new();
    // Passes in the view that the model's tools work in, and nowhere else.
    world.write_test("case $TMPDIR in */trials/*) exit 1;; esac; grep -q World greeting.txt");
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::text("The tests pass."),
        Answer::text("They do."),
        Answer::text("They do."),
        Answer::text("They do."),
    ]);
    let ran = world.fix(&kimi, &[]).code(5);
    let model = &ran.kept().events("tests_ran")[0];
    assert_eq!((&model["purpose"], &model["passed"]), (&json!("model"), &json!(true)));
}

#[test]
fn without_verification_nothing_is_run_and_nothing_claimed() {
    let world = World::new();
    world.write_test("touch ran; exit 0");
    let ran = world.fix(&mender(), &["--no-verify"]).code(4);
    assert_eq!(ran.kept().events("tests_ran").len(), 0);
    assert!(!ran.stdout().contains("ran"), "{}", ran.stdout());
    assert_eq!(ran.report()["outcome"], "unverified");
    ran.says(&["unverified", "no tests verified the patch"]);
}

#[test]
fn without_known_tests_nothing_is_claimed() {
    let world = World::new();
    for file in [".kcode.toml", "test.sh"] {
        fs::remove_file(world.root().join(file)).unwrap();
    }
    let ran = world.fix(&mender(), &[]).code(4);
    ran.says(&["no test command found; give one with --test", "unverified"]);
}

#[test]
fn the_flag_goes_over_the_settings() {
    let world = World::new();
    let ran = world.fix(&stubborn(EDIT), &["--test", "echo by flag; false"]).code(5);
    assert_eq!(ran.report()["tests"]["command"], "echo by flag; false");
    assert_eq!(ran.report()["tests"]["origin"], "--test");
    let log = ran.report()["tests"]["after"]["log"].as_str().unwrap().to_owned();
    assert_eq!(ran.kept().read(&log), "by flag\n");
}

#[test]
fn tests_are_detected() {
    let world = World::new();
    fs::remove_file(world.root().join(".kcode.toml")).unwrap();
    world.write("Makefile", "test:\n\t./test.sh\n");
    let ran = world.fix(&mender(), &[]).code(0);
    assert_eq!(ran.report()["tests"]["command"], "make test");
    assert!(ran.report()["tests"]["origin"].as_str().unwrap().contains("Makefile"));
}

#[test]
fn tests_that_change_files_run_until_the_patch_is_what_they_ran_on() {
    let world = World::new();
    world.write("lock.txt", "0\n");
    world.commit_all();
    world.write_test("wc -c < greeting.txt > lock.txt; grep -q 'Hello, World!' greeting.txt");
    let ran = world.fix(&mender(), &["--include-generated", "lock.txt"]).code(0);
    assert_eq!(verifications(&ran.kept()), 3, "a lock file was written by the first run; the second is confirmed");
    assert!(ran.stdout().contains("+++ b/lock.txt"), "{}", ran.stdout());
    assert_eq!(ran.report()["tests"]["fresh"], true);
}

#[test]
fn tests_that_change_files_each_time_are_confirmed_on_the_very_patch() {
    let world = World::new();
    world.write("count.txt", "0\n");
    world.commit_all();
    world.write_test("echo again >> count.txt");
    let ran = world.fix(&mender(), &["--include-generated", "count.txt"]).code(0);
    assert_eq!((verifications(&ran.kept()), &ran.report()["tests"]["fresh"]), (3, &json!(true)));
    assert!(ran.report()["tests"]["after"]["log"].as_str().unwrap().starts_with("logs/afresh/"));
}

/// A run whose tests hang under these settings.
fn hanging(world: &World, script: &str, settings: &str) -> Ran {
    world.write_test(script);
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{settings}\n"));
    world.fix(&stubborn(EDIT), &["--max-turns", "2"])
}

#[test]
fn tests_that_hang_are_ended() {
    let cases = [
        ("while :; do echo busy; sleep 0.05; done", "deadline = \"1500ms\"", "deadline"),
        ("echo begun; exec sleep 300", "idle = \"1500ms\"", "idle"),
    ];
    together(cases, |(script, settings, why)| {
        let world = World::new();
        let ran = hanging(&world, script, settings).code(6);
        let tests = &ran.kept().events("tests_ran")[0];
        assert_eq!((&tests["stopped"], &tests["passed"]), (&json!(why), &json!(false)));
        assert!(ran.kept().read("logs/tests-1.log").contains('b'), "what it wrote until then is kept");
        ran.says(&[&format!("ended by kcode: {why}")]);
    });
}

#[test]
fn tests_that_do_not_let_themselves_be_ended_are_killed() {
    let world = World::new();
    let ran =
        hanging(&world, "trap '' TERM INT HUP; echo stubborn; while :; do sleep 0.1; done", "deadline = \"200ms\"");
    assert_eq!(ran.code(6).kept().events("tests_ran")[0]["stopped"], "deadline");
}

#[test]
fn tests_that_print_megabytes_reach_the_log_and_not_the_model() {
    let world = World::new();
    world.write_test("yes 'a line that says nothing' | head -c 9000000; echo 'FAIL it_greets'; exit 1");
    let kimi = stubborn(EDIT);
    let ran = world.fix(&kimi, &[]).code(5);
    let told = kimi.requests()[2].last_text().to_owned();
    assert!(told.len() < 12_000 && told.contains("FAIL it_greets"), "{} bytes", told.len());
    assert!(told.contains("@logs/tests-1.log"), "{told}");
    assert!(fs::metadata(ran.kept().0.join("logs/tests-1.log")).unwrap().len() > 9_000_000);
}

#[test]
fn a_log_can_be_opened_by_the_model() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::call("run_tests", "{}"),
        Answer::call("read_file", r#"{"path": "@logs/tests-1.log"}"#),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    world.write_test("seq 5000; grep -q 'Hello, World!' greeting.txt");
    let ran = world.fix(&kimi, &[]).code(0);
    assert!(ran.kept().answers()[1].contains("\n17\t17\n"), "{}", ran.kept().answers()[1]);
}

#[test]
fn daemons_do_not_outlive_the_tests() {
    let world = World::new();
    world.write_test("(setsid sleep 300 >/dev/null 2>&1 &) ; nohup sleep 301 >/dev/null 2>&1 & exit 0");
    // That nothing is left is held for every run.
    world.fix(&mender(), &[]).code(0);
}

#[test]
fn a_filter_reaches_the_runner_as_arguments() {
    let world = World::new();
    world.write_test("for a; do echo \"<$a>\"; done");
    let kimi = MockKimi::script([
        Answer::call("run_tests", r#"{"filter": ["one; touch pwned", "$(touch pwned)", "-x"]}"#),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &["--test", "./test.sh"]).code(0);
    let answer = &ran.kept().answers()[0];
    assert!(answer.contains("<one; touch pwned>\n<$(touch pwned)>\n<-x>"), "{answer}");
    assert!(!ran.stdout().contains("pwned"));
}

#[test]
fn a_test_command_that_is_not_there_fails_with_a_reason() {
    let all_the_same = "--allow-failing-setup";
    let world = World::new();
    world
        .fix(&stubborn(EDIT), &["--test", "no-such-runner", all_the_same])
        .code(5)
        .says(&["no-such-runner isn't there"]);
    let world = World::new();
    world.write(".kcode.toml", "[test]\ncommand = [\"no-such-runner\"]\n");
    world.fix(&stubborn(EDIT), &[all_the_same]).code(5).says(&["no-such-runner isn't there"]);
}

#[test]
fn a_strict_wall_that_is_not_whole_is_refused_before_the_first_request() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &["--sandbox", "strict"]);
    if ran.output.status.code() == Some(0) {
        let wall = &ran.report()["wall"];
        assert_eq!([&wall["tree"], &wall["process"], &wall["network"]], [true, true, true]);
        return;
    }
    let ran = ran.code(7).says(&["error: the sandbox is incomplete", "--sandbox auto"]);
    assert_eq!(kimi.requests().len(), 0);
    assert_eq!(ran.report()["outcome"], "refused");
}
