//! How often the tests run in which case: the table of docs/architecture.md.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use serde_json::{Value, json};

use crate::evidence::{GREETS, STANDS};
use crate::fake_runner::{RUNNER, with_tests as world};
use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender};

/// Logs of runs of the test command: each run has one.
fn logs(kept: &Kept) -> usize {
    let folders = fs::read_dir(kept.0.join("logs")).unwrap().flatten().map(|entry| entry.path());
    let deeper = folders.filter(|path| path.is_dir()).chain([kept.0.join("logs")]);
    let names = deeper.flat_map(|folder| fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name()));
    names
        .filter(|name| name.to_string_lossy().starts_with("tests-") && name.to_string_lossy().ends_with(".log"))
        .count()
}

/// How often the test command ran, as the journal tells and as its logs show.
fn suite_runs(ran: &Ran) -> usize {
    let kept = ran.kept();
    let told = kept.events("tests_ran").into_iter().filter(|ran| ran["cached"] != true);
    let told: BTreeSet<String> = told.map(|ran| ran["log"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told.len(), logs(&kept), "{told:?}");
    told.len()
}

fn of_purpose(ran: &Ran, purpose: &str) -> Vec<Value> {
    ran.kept().events("tests_ran").into_iter().filter(|ran| ran["purpose"] == purpose).collect()
}

/// A model that makes these calls, and then ends.
fn calls(calls: &[(&str, &str)]) -> MockKimi {
    let mut answers: VecDeque<_> = calls.iter().map(|(tool, arguments)| Answer::call(tool, arguments)).collect();
    MockKimi::answering(move |_| answers.pop_front().unwrap_or_else(|| Answer::text("The greeting was misspelt.")))
}

#[test]
fn the_models_last_run_on_the_same_tree_is_the_first_after() {
    let world = world(&format!("{GREETS} {STANDS}"));
    let ran =
        world.fix(&calls(&[("edit_file", EDIT), ("run_tests", "{}")]), &[]).code(0).says(&["verified", "fixed greets"]);
    let after = of_purpose(&ran, "verification");
    assert_eq!(after.len(), 1, "{after:#?}");
    assert!(after[0]["log"].as_str().unwrap().starts_with("afresh/"), "nothing lies there but the start and the patch");
    let own = &of_purpose(&ran, "model")[0];
    assert_eq!(after[0]["counted"], json!({"log": own["log"], "passed": true}));
    let tests = &ran.report()["tests"];
    assert_eq!((&tests["runs"], &tests["failed_runs"], &tests["fresh"]), (&json!(2), &json!(0), &json!(true)));
    // Before twice, as it fails there; the model's; the one that decides.
    assert_eq!(suite_runs(&ran), 4);
}

#[test]
fn a_run_of_some_tests_or_of_another_tree_does_not_count() {
    let other = r#"{"path": "greeting.txt", "old_text": "Hello, Wrold", "new_text": "Hello, World"}"#;
    let note = r#"{"path": "docs/note.md", "content": "Mended.\n"}"#;
    for (calls_made, verifications) in [
        (vec![("edit_file", EDIT), ("run_tests", r#"{"filter": ["greets"]}"#)], 2),
        (vec![("edit_file", other), ("run_tests", "{}"), ("write_file", note)], 2),
        (vec![("edit_file", EDIT), ("run_tests", "{}"), ("run_tests", r#"{"filter": ["greets"]}"#)], 1),
    ] {
        let world = world(&format!("{GREETS} {STANDS}"));
        let ran = world.fix(&calls(&calls_made), &[]).code(0);
        let after = of_purpose(&ran, "verification");
        assert_eq!(after.len(), verifications, "{calls_made:?}: {after:#?}");
        assert_eq!(after[0]["counted"].is_null(), verifications == 2, "{calls_made:?}");
        assert!(after.last().unwrap()["log"].as_str().unwrap().starts_with("afresh/"), "{calls_made:?}");
    }
}

#[test]
fn what_the_models_run_saw_alone_decides_nothing() {
    // It passes wherever somebody ran it before, and not where nothing was left: a pass of the model's is no evidence.
    let stale = "'greets=test -e build/passes || { mkdir -p build; touch build/passes; false; }'";
    let world = world(&format!("{stale} {STANDS}"));
    let ran = world.fix(&calls(&[("edit_file", EDIT), ("run_tests", "{}"), ("run_tests", "{}")]), &[]).code(5);
    assert_eq!(of_purpose(&ran, "model")[1]["passed"], true);
    assert!(of_purpose(&ran, "verification").iter().all(|ran| ran["passed"] == false));
}

#[test]
fn a_failure_of_the_models_run_is_one_of_the_runs() {
    let shy = "'shy=grep -q Wrold greeting.txt || echo $HOME | grep -q /afresh/'";
    let world = world(&format!("{GREETS} {shy}"));
    let ran = world.fix(&calls(&[("edit_file", EDIT), ("run_tests", "{}")]), &[]).code(0).says(&["flaky shy"]);
    let tests = &ran.report()["tests"];
    assert_eq!((&tests["runs"], &tests["failed_runs"], &tests["flaky"]), (&json!(3), &json!(1), &json!(["shy"])));
}

#[test]
fn a_run_before_any_edit_is_a_before() {
    // The first run on the start state goes on until the model runs the tests, so that this one is under way by then.
    let world = World::new();
    let waits = "case $HOME in */baseline/*) until test -e build/go; do sleep 0.05; done;; esac";
    world.write_test(&format!("{RUNNER}\n{waits}\nrun {GREETS} {STANDS}"));
    world.commit_all();
    fs::create_dir_all(world.root().join("build")).unwrap();
    let kimi = calls(&[("run_tests", "{}"), ("edit_file", EDIT), ("run_tests", "{}")]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_journal(r#""type":"tool_called""#);
    world.write("build/go", "");
    let ran = running.wait().code(0);
    let (before, own) = (of_purpose(&ran, "baseline"), of_purpose(&ran, "model"));
    assert_eq!(before.len(), 1, "{before:#?}");
    assert_eq!(before[0]["counted"], json!({"log": own[0]["log"], "passed": false}));
    assert_eq!(ran.report()["tests"]["baseline"]["counts"], json!({"passed": 1, "failed": 1, "skipped": 0}));
    // One before, two of the model's, and the one that decides.
    assert_eq!(suite_runs(&ran), 4);
}

#[test]
fn after_an_edit_no_run_of_the_models_is_a_before() {
    let world = World::new();
    let waits = "case $HOME in */baseline/*) until test -e build/go; do sleep 0.05; done;; esac";
    world.write_test(&format!("{RUNNER}\n{waits}\nrun {GREETS} {STANDS}"));
    world.commit_all();
    fs::create_dir_all(world.root().join("build")).unwrap();
    // What it undoes was an edit all the same.
    let back = r#"{"path": "greeting.txt", "old_text": "World", "new_text": "Wrold"}"#;
    let kimi = calls(&[("edit_file", EDIT), ("edit_file", back), ("run_tests", "{}"), ("edit_file", EDIT)]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_journal(r#""tool":"run_tests""#);
    world.write("build/go", "");
    let ran = running.wait().code(0);
    let before = of_purpose(&ran, "baseline");
    assert!(before.len() == 2 && before.iter().all(|ran| ran["counted"].is_null()), "{before:#?}");
}

/// A project whose tests Python runs.
fn python(tests: &str) -> World {
    let world = World::new();
    world.write(".kcode.toml", "[test]\ncommand = \"python3 -m unittest -v\"\n");
    world.write(".gitignore", "/build/\n__pycache__/\n");
    world.write("test_greeting.py", format!("import unittest\n\n\nclass Greeting(unittest.TestCase):\n{tests}"));
    world.commit_all();
    world
}

const READS: &str = "        self.assertIn('World', open('greeting.txt').read())\n";

#[test]
fn only_what_failed_is_repeated_where_the_runner_can_be_told_so() {
    let world = python(&format!("    def test_greets(self):\n{READS}    def test_stands(self):\n        pass\n"));
    let ran = world.fix(&mender(), &[]).code(0).says(&["fixed test_greeting.Greeting::test_greets"]);
    let before = of_purpose(&ran, "baseline");
    assert_eq!(before.len(), 2);
    assert_eq!((&before[0]["only_failed"], &before[1]["only_failed"]), (&Value::Null, &json!(true)));
    assert_eq!(before[1]["command"], "python3 -m unittest -v -k test_greeting.Greeting.test_greets");
    assert!(ran.kept().read(&format!("logs/{}", before[1]["log"].as_str().unwrap())).contains("Ran 1 test in"));
    assert_eq!(ran.report()["tests"]["baseline"]["counts"], json!({"passed": 1, "failed": 1, "skipped": 0}));
}

#[test]
fn what_fails_only_beside_others_is_told_by_another_whole_run() {
    let first = "    def test_a(self):\n        Greeting.dirty = True\n";
    let then = "    def test_greets(self):\n        dirty = getattr(Greeting, 'dirty', False)\n        \
                self.assertTrue(not dirty or 'World' in open('greeting.txt').read())\n";
    let world = python(&format!("{first}{then}"));
    let ran = world.fix(&mender(), &[]).code(0).says(&["fixed test_greeting.Greeting::test_greets"]);
    let before = of_purpose(&ran, "baseline");
    let told: Vec<_> = before.iter().map(|ran| (ran["passed"] == true, ran["only_failed"] == true)).collect();
    assert_eq!(told, [(false, false), (true, true), (false, false)]);
    assert_eq!(ran.report()["tests"]["flaky"], json!([]));
}

#[test]
fn without_a_run_of_the_models_kcode_makes_its_own() {
    let world = world(&format!("{GREETS} {STANDS}"));
    let ran = world.fix(&mender(), &[]).code(0);
    assert_eq!((of_purpose(&ran, "baseline").len(), of_purpose(&ran, "verification").len()), (2, 2));
    assert_eq!(suite_runs(&ran), 4);
}
