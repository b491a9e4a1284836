//! Commands besides the tests: the checks of the settings, and the tests of projects that the patch reaches into.

use serde_json::{Value, json};

use crate::fake_runner::with_tests;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mender};

/// A world whose settings name these checks besides the tests.
fn world(checks: &[(&str, &str)]) -> World {
    let world = World::new();
    let checks = checks.iter().map(|(name, rest)| format!("[[check]]\nname = \"{name}\"\n{rest}\n"));
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{}", checks.collect::<String>()));
    world.commit_all();
    world
}

/// `command = '…'`.
fn command(line: &str) -> String {
    format!("command = '''{line}'''")
}

/// Edits once, and is sure from then on.
fn sure() -> MockKimi {
    first_then(Answer::call("edit_file", EDIT), Answer::text("All is well."))
}

/// One field of each check in the report.
fn each(ran: &Ran, field: &str) -> Vec<Value> {
    ran.report()["checks"].as_array().unwrap().iter().map(|check| check[field].clone()).collect()
}

/// What ran to verify, in order: checks by their names, the tests as `tests`.
fn order(ran: &Ran) -> Vec<String> {
    let kept = ran.kept();
    let mut ran: Vec<(u64, String)> = ["tests_ran", "check_ran"]
        .into_iter()
        .flat_map(|kind| kept.events(kind))
        .filter(|event| event["purpose"] == "verification")
        .map(|event| (event["seq"].as_u64().unwrap(), event["name"].as_str().unwrap_or("tests").to_owned()))
        .collect();
    ran.sort();
    ran.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn checks_run_in_the_order_given_and_then_the_tests() {
    let world = world(&[("lint", &command("grep -q , greeting.txt")), ("types", &command("test -e link.txt"))]);
    let ran = world.fix(&mender(), &[]).code(0).says(&[
        "check     lint: grep -q , greeting.txt        .kcode.toml",
        "verified",
        "2 checks passed",
    ]);
    assert_eq!(order(&ran), ["lint", "types", "tests"]);
    assert_eq!(each(&ran, "state"), ["passing", "passing"]);
    assert_eq!(each(&ran, "fresh"), [true, true]);
    assert!(each(&ran, "baseline").iter().all(|baseline| baseline["passed"] == true), "{:?}", ran.report()["checks"]);
    let told = ran.kept().read("report.md");
    assert!(told.contains("| lint | `grep -q , greeting.txt` (.kcode.toml) | passing |"), "{told}");
}

#[test]
fn the_model_is_told_at_the_start_what_has_to_pass() {
    let world = world(&[("lint", &command("true"))]);
    let kimi = mender();
    world.fix(&kimi, &[]).code(0);
    let survey = kimi.requests()[0].last_text().to_owned();
    assert!(survey.contains("At the end kcode also runs:\n  lint: true\n"), "{survey}");
}

#[test]
fn a_check_that_the_patch_breaks_goes_back_to_the_model_by_its_name() {
    let world = world(&[("spelling", &command("echo looking for Wrold; grep -q Wrold greeting.txt"))]);
    let kimi = sure();
    let ran = world.fix(&kimi, &[]).code(5).says(&[
        "tests failing",
        "the check spelling fails (echo looking for Wrold; grep -q Wrold greeting.txt) · it passed before",
        "a check fails; sent back to the model",
    ]);
    let told = kimi.requests()[2].last_text().to_owned();
    for words in ["## spelling: `echo looking", "exit code 1; it passed before your change", "looking for Wrold"] {
        assert!(told.contains(words), "{words:?} is not in: {told}");
    }
    assert_eq!(each(&ran, "state"), ["broken"]);
    assert_eq!(ran.report()["tests"]["after"]["passed"], true);
}

#[test]
fn a_check_that_is_mended_after_all_counts_as_mended() {
    let world = world(&[("short", &command("test $(wc -c < greeting.txt) -lt 15"))]);
    let long =
        json!({"path": "greeting.txt", "old_text": "Hello, Wrold!", "new_text": "Hello, World! And all others."});
    let short = json!({"path": "greeting.txt", "old_text": " And all others.", "new_text": ""});
    let kimi = MockKimi::script([
        Answer::call("edit_file", &long.to_string()),
        Answer::text("Done."),
        Answer::call("edit_file", &short.to_string()),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0).says(&["verified", "1 check passed"]);
    // The tests ran on the longer greeting, too, so that their pass is confirmed afresh.
    assert_eq!(order(&ran), ["short", "tests", "short", "tests", "tests"]);
}

#[test]
fn tests_and_checks_that_fail_are_told_together() {
    let world = world(&[("lint", &command("echo bad style; false"))]);
    world.write_test("echo bad greeting; exit 3");
    let kimi = sure();
    world.fix(&kimi, &[]).code(5).says(&["./test.sh fails", "the tests fail; sent back to the model"]);
    let told = kimi.requests()[2].last_text().to_owned();
    assert!(told.contains("bad greeting") && told.contains("bad style"), "{told}");
}

#[test]
fn what_many_checks_say_is_cut_to_a_bound_and_their_logs_are_named() {
    let chatty = command("seq 1 9000; false");
    let names: Vec<String> = (1..=8).map(|n| format!("lint{n}")).collect();
    let checks: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), chatty.as_str())).collect();
    let world = world(&checks);
    let log = Answer::call("read_file", r#"{"path": "@logs/tests-1.log"}"#);
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
        log,
        Answer::text("I can't mend it."),
    ]);
    world.fix(&kimi, &["--no-baseline"]).code(5);
    let told = kimi.requests()[2].last_text().to_owned();
    assert!(told.contains("## lint1: ") && told.contains("## lint8: ") && told.len() < 16_000, "{}", told.len());
    assert!(told.contains("read_file \"@logs/tests-1.log\" shows the rest"), "{told}");
    assert!(kimi.requests()[3].last_text().contains("9000"), "{}", kimi.requests()[3].last_text());
}

#[test]
fn a_check_that_failed_before_blocks_unless_it_is_not_required() {
    let failing = command("false");
    let strict = world(&[("lint", &failing)]);
    let ran =
        strict.fix(&sure(), &[]).code(5).says(&["the check lint fails (false) · still failing", "required = false"]);
    assert_eq!(each(&ran, "state"), ["still_failing"]);

    let lax = world(&[("lint", &format!("{failing}\nrequired = false"))]);
    let kimi = mender();
    let ran = lax.fix(&kimi, &[]).code(0).says(&["verified", "lint still failing, not required"]);
    assert_eq!((each(&ran, "state"), each(&ran, "required")), (vec![json!("still_failing")], vec![json!(false)]));
    assert_eq!(kimi.requests().len(), 3, "nothing went back to the model");
}

#[test]
fn a_check_that_the_patch_mends_is_fixed() {
    let world = world(&[("spelling", &command("! grep -q Wrold greeting.txt"))]);
    let ran = world.fix(&mender(), &[]).code(0);
    assert_eq!(each(&ran, "state"), ["fixed"]);
    let again = world.fix(&mender(), &["--output", "json"]).code(0);
    let told: Value = serde_json::from_str(&again.stdout()).unwrap();
    assert!(told["checks"][0]["baseline"]["log"].is_string(), "without results test by test none is kept: {told}");
}

#[test]
fn without_a_baseline_nobody_knows_how_a_check_went_before() {
    let world = world(&[("lint", &command("false"))]);
    let ran = world.fix(&sure(), &["--no-baseline"]).code(5);
    assert_eq!((each(&ran, "state"), each(&ran, "baseline")), (vec![json!("failing")], vec![Value::Null]));
}

#[test]
fn a_check_that_writes_runs_again_on_what_the_tests_ran_on() {
    let format = "grep -q formatted greeting.txt || echo formatted >> greeting.txt";
    let world = world(&[("format", &command(format))]);
    let ran = world.fix(&mender(), &["--include-generated", "greeting.txt"]).code(0);
    // What ran on the unformatted code may have left something: the tests' pass is confirmed afresh.
    assert_eq!(order(&ran), ["format", "tests", "format", "tests"]);
    assert_eq!(each(&ran, "fresh"), [true]);
    assert!(ran.stdout().contains("+formatted"), "{}", ran.stdout());
}

#[test]
fn a_check_that_never_leaves_the_tree_alone_verifies_nothing() {
    let world = world(&[("stamp", &command("cat /proc/sys/kernel/random/uuid >> stamps.txt"))]);
    world
        .fix(&mender(), &["--include-generated", "stamps.txt"])
        .code(4)
        .says(&["unverified", "the check stamp has not run on the tree that the patch makes"]);
}

#[test]
fn checks_alone_verify_nothing() {
    let world = World::new();
    world.write(".kcode.toml", "[[check]]\nname = \"lint\"\ncommand = \"true\"\n");
    std::fs::remove_file(world.root().join("test.sh")).unwrap();
    let ran = world.fix(&mender(), &[]).code(4).says(&["unverified", "no tests verified the patch"]);
    assert_eq!(each(&ran, "state"), ["passing"]);
}

#[test]
fn no_verify_runs_no_checks_either() {
    let world = world(&[("lint", &command("false"))]);
    let ran = world.fix(&mender(), &["--no-verify"]).code(4);
    assert_eq!(ran.report()["checks"], json!([]));
}

#[test]
fn single_tests_of_a_check_are_compared_under_its_name() {
    let cargo = "echo 'running 1 test'; if grep -q World greeting.txt; then echo 'test greets ... ok'; \
                 echo; echo 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'; \
                 else echo 'test greets ... FAILED'; echo; \
                 echo 'test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out'; false; fi";
    let world = world(&[("slow", &command(cargo))]);
    let ran = world.fix(&mender(), &[]).code(0).says(&["fixed slow: greets"]);
    assert_eq!(ran.report()["tests"]["fixed"], json!(["slow: greets"]));
}

#[test]
fn a_hunk_that_only_a_check_needs_is_needed() {
    let world = with_tests("'greets=grep -q World greeting.txt'");
    let settings =
        "[test]\ncommand = \"./test.sh\"\n[[check]]\nname = \"title\"\ncommand = \"grep -q greeted docs/about.md\"\n";
    world.write(".kcode.toml", settings);
    world.commit_all();
    let kimi = MockKimi::script([
        Answer::call(
            "edit_file",
            r##"{"path": "docs/about.md", "old_text": "# About", "new_text": "# How it is greeted"}"##,
        ),
        Answer::call("write_file", r#"{"path": "notes.txt", "content": "Nobody needs them.\n"}"#),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &["--minimize"]).code(0).says(&["2 of 3 hunks needed", "1 check passed"]);
    assert!(ran.stdout().contains("greeted") && !ran.stdout().contains("notes.txt"), "{}", ran.stdout());
    assert_eq!((each(&ran, "state"), each(&ran, "fresh")), (vec![json!("fixed")], vec![json!(true)]));
}

#[test]
fn a_stopped_run_that_goes_on_runs_its_checks() {
    let world = world(&[("lint", &command("true"))]);
    world.fix(&mender(), &["--max-turns", "2"]).code(6);
    let resumed = world.run(world.keyed(&MockKimi::script([Answer::text("Done.")]), &["resume", "--max-turns", "9"]));
    assert_eq!(each(&resumed.code(0), "state"), ["passing"]);
}

#[test]
fn doctor_lists_the_checks() {
    let world = world(&[("lint", &format!("{}\nrequired = false", command("make lint")))]);
    let told = world.run(world.kcode(&["doctor"])).stdout();
    assert!(
        told.contains("Tests: ./test.sh (.kcode.toml)\nCheck lint: make lint (.kcode.toml, not required)\n"),
        "{told}"
    );
}

/// A makefile for make, which needs no other runner.
fn package(world: &World, folder: &str, test: &str) {
    world.write(&format!("{folder}/package.json"), r#"{"private": true}"#);
    world.write(&format!("{folder}/Makefile"), format!("test:\n\t@{test}\n"));
}

/// A repository of several projects, without a test command in its settings.
fn monorepo() -> World {
    let world = World::new();
    std::fs::remove_file(world.root().join(".kcode.toml")).unwrap();
    std::fs::remove_file(world.root().join("test.sh")).unwrap();
    package(&world, "mail", "grep -q World words.txt");
    package(&world, "web", "grep -q 1 number.txt");
    world.write("mail/words.txt", "Wrold\n");
    world.write("web/number.txt", "1\n");
    world
}

const MAIL_EDIT: &str = r#"{"path": "mail/words.txt", "old_text": "Wrold", "new_text": "World"}"#;

fn edits(edits: &[&str]) -> MockKimi {
    let edits = edits.iter().map(|edit| Answer::call("edit_file", edit));
    MockKimi::script(edits.chain([Answer::text("Done.")]))
}

#[test]
fn without_tests_at_the_root_those_of_the_changed_project_count() {
    let world = monorepo();
    world.commit_all();
    let ran = world.fix(&edits(&[MAIL_EDIT]), &[]).code(0).says(&[
        "tests     none · no test command found",
        "tests     make test        found in mail/Makefile, nearest to what changed",
        "verified",
    ]);
    let report = ran.report();
    assert_eq!(report["tests"]["origin"], "found in mail/Makefile, nearest to what changed");
    assert_eq!((&report["tests"]["baseline"]["passed"], &report["checks"]), (&json!(false), &json!([])));
}

#[test]
fn tests_of_a_changed_project_run_besides_those_of_the_root() {
    let world = monorepo();
    package(&world, ".", "test -e greeting.txt");
    world.commit_all();
    let ran = world.fix(&edits(&[MAIL_EDIT]), &[]).code(0).says(&[
        "tests     make test        found in Makefile",
        "check     mail/: make test        found in mail/Makefile, nearest to what changed",
    ]);
    assert_eq!(order(&ran), ["mail/", "tests"]);
    assert_eq!((each(&ran, "dir"), each(&ran, "state")), (vec![json!("mail")], vec![json!("fixed")]));
}

#[test]
fn what_breaks_in_another_project_is_not_verified() {
    let world = monorepo();
    package(&world, ".", "test -e greeting.txt");
    world.commit_all();
    let breaking = r#"{"path": "web/number.txt", "old_text": "1", "new_text": "2"}"#;
    let ran = world.fix(&edits(&[MAIL_EDIT, breaking]), &[]);
    assert_eq!(
        (each(&ran, "name"), each(&ran, "state")),
        (vec![json!("mail/"), json!("web/")], vec![json!("fixed"), json!("broken")],)
    );
    assert_ne!(ran.report()["outcome"], "verified");
}

#[test]
fn where_the_user_stands_runs_in_any_case() {
    let world = monorepo();
    world.commit_all();
    let kimi = edits(&[MAIL_EDIT]);
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.current_dir(world.root().join("web"));
    let ran =
        world.run(command).code(0).says(&["make test        found in web/Makefile", "check     mail/: make test"]);
    assert_eq!(order(&ran), ["mail/", "tests"]);
}

#[test]
fn a_command_that_a_person_gave_is_the_only_one() {
    let world = monorepo();
    world.commit_all();
    let ran = world.fix(&edits(&[MAIL_EDIT]), &["--test", "true"]).code(0);
    assert_eq!((ran.report()["tests"]["command"].clone(), order(&ran)), (json!("true"), vec!["tests".to_owned()]));
}

#[test]
fn a_manifest_that_the_model_wrote_has_no_say() {
    let world = monorepo();
    world.commit_all();
    let manifest = json!({"path": "mail/sub/package.json", "content": "{}"}).to_string();
    let makefile = json!({"path": "mail/sub/Makefile", "content": "test:\n\ttrue\n"}).to_string();
    let kimi = MockKimi::script([
        Answer::call("write_file", &manifest),
        Answer::call("write_file", &makefile),
        Answer::text("All tests pass."),
        Answer::text("All tests pass."),
    ]);
    let ran = world.fix(&kimi, &[]);
    assert_eq!(ran.report()["tests"]["origin"], "found in mail/Makefile, nearest to what changed");
    assert_ne!(ran.report()["outcome"], "verified");
}
