//! Tests that rename a folder of the tree. An overlay can't do that, a copy can: kcode goes over to one by itself, and says so.

use std::fs;

use serde_json::Value;

use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::support::skipped::{Need, given};
use crate::world::{EDIT, TASK, World, mender, mending};

/// Passes on the mended project, where a folder that the tree has can be renamed.
const RENAMES: &str = "set -e\n\
     python3 -c \"import os; os.rename('fixtures/data', 'fixtures/moved'); os.rename('fixtures/moved', 'fixtures/data')\"\n\
     grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'";

fn renaming() -> World {
    let world = World::new();
    world.write("fixtures/data/one.txt", "one\n");
    world.write_test(RENAMES);
    world.commit_all();
    world
}

/// How the views of a run were made, one after the other.
fn kinds(kept: &Kept) -> Vec<String> {
    kept.events("view_made").iter().map(|made| made["kind"].as_str().unwrap().to_owned()).collect()
}

fn overlay(report: &Value) -> &Value {
    let layers = report["wall"]["layers"].as_array().unwrap();
    layers.iter().find(|layer| layer["name"] == "overlay").unwrap()
}

/// Whether this machine mounts overlays at all; says so when it doesn't.
fn can_overlay() -> bool {
    let world = World::new();
    let ran = world.fix(&mender(), &[]).code(0);
    given(Need::Overlay, overlay(&ran.report())["holds"] == true)
}

fn assert_copied(ran: &Ran, kept: &Kept) {
    let report = kept.report();
    assert_eq!(overlay(&report)["holds"], false);
    assert!(overlay(&report)["detail"].as_str().unwrap().contains("rename a folder of the tree"));
    assert!(ran.stderr().contains("the tests rename a folder of the tree"), "{}", ran.stderr());
    assert_eq!(report["tests"]["after"]["passed"], true);
}

#[test]
fn the_view_becomes_a_copy_and_the_next_run_begins_with_one() {
    if !can_overlay() {
        return;
    }
    let world = renaming();
    let ran = world.fix(&mender(), &[]).code(0);
    let first = ran.kept();
    assert_copied(&ran, &first);
    assert_eq!(kinds(&first).last().unwrap(), "copy");
    let ran = world.fix(&mender(), &[]).code(0);
    let again = world.runs().into_iter().map(Kept).find(|run| run.id() != first.id()).unwrap();
    assert_copied(&ran, &again);
    assert_eq!(kinds(&again), ["copy"]);
    let log = again.read("logs/tests-1.log");
    assert!(!log.contains("cross-device") && log.contains("ok 1 - greeting"), "{log}");
}

#[test]
fn the_model_is_told_to_run_the_tests_again_and_its_edits_are_kept() {
    if !can_overlay() {
        return;
    }
    let world = renaming();
    let kimi = MockKimi::script(vec![
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::call("run_tests", "{}"),
        Answer::text("Mended."),
    ]);
    let ran = world.fix(&kimi, &["--no-baseline"]).code(0);
    assert_copied(&ran, &ran.kept());
    assert_eq!(kinds(&ran.kept()), ["overlay", "copy"]);
    let answers = ran.kept().answers();
    assert!(
        answers[1].contains("From now on it is a plain copy") && answers[1].contains("run the tests again"),
        "{answers:?}"
    );
    assert!(answers[2].starts_with("passed") || answers[2].contains("ok 1 - greeting"), "{answers:?}");
    assert!(ran.kept().read("patch.diff").contains("+Hello, World!"));
    assert!(!ran.kept().read("patch.diff").contains("fixtures"));
}

#[test]
fn a_verification_that_fails_for_it_is_made_again_in_a_copy() {
    if !can_overlay() {
        return;
    }
    let world = renaming();
    let ran = world.fix(&mender(), &["--no-baseline"]).code(0);
    assert_copied(&ran, &ran.kept());
    assert_eq!(kinds(&ran.kept()), ["overlay", "copy"]);
    // Somebody else's check of that run goes the same way.
    let patched = world.run_freely(world.kcode(&["apply"]));
    patched.code(0);
    world
        .run_freely(world.kcode(&["verify"]))
        .code(0)
        .says(&["tested in a copy of the tree: the tests rename a folder"]);
}

#[test]
fn what_a_copy_does_not_help_is_told_and_not_remembered() {
    if !can_overlay() {
        return;
    }
    let world = World::new();
    world.write_test("mkdir /tmp/made && python3 -c \"import os; os.rename('/tmp/made', 'made')\"");
    world.commit_all();
    let kimi = MockKimi::script([mending(), vec![Answer::text("It can't be mended."); 3]].concat());
    let ran = world.run(world.keyed(&kimi, &["fix", TASK])).code(5);
    let told = format!("{}{}", ran.stderr(), ran.kept().read("report.md"));
    assert!(told.contains("from one file system of the sandbox to another"), "{told}");
    let marks = fs::read_dir(world.state().join("baselines")).unwrap();
    assert_eq!(marks.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "copy")).count(), 0);
}
