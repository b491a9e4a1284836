//! `--minimize`: what no test needs of a verified patch is dropped, each try in a view of its own.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fake_runner::{with_test_files, with_tests};
use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, mender};

const GREETS: &str = "'greets=grep -q World greeting.txt' 'stands=test -e greeting.txt'";

fn writes(path: &str, content: &str) -> Answer {
    Answer::call("write_file", &json!({"path": path, "content": content}).to_string())
}

fn edits(path: &str, old: &str, new: &str) -> Answer {
    Answer::call("edit_file", &json!({"path": path, "old_text": old, "new_text": new}).to_string())
}

/// A model that mends the greeting and does more than anybody needs: four hunks, one of them the fix.
fn talkative() -> MockKimi {
    MockKimi::script([
        edits("docs/about.md", "# About", "# About it"),
        edits("docs/about.md", "A greeting.", "A greeting, mended."),
        writes("notes.txt", "It was misspelt.\n"),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ])
}

fn minimized(ran: &Ran) -> Value {
    ran.report()["patch"]["minimized"].clone()
}

/// The files that a kept patch names.
fn files(kept: &Kept, name: &str) -> Vec<String> {
    let patch = kept.read(name);
    let sections = patch.lines().filter_map(|line| line.strip_prefix("diff --git a/"));
    sections.map(|line| line.split(" b/").next().unwrap().to_owned()).collect()
}

#[test]
fn hunks_that_change_no_result_are_dropped() {
    let world = with_tests(GREETS);
    let ran = world.run_freely(world.keyed(&talkative(), &["fix", TASK, "--minimize", "--apply"])).code(0);
    let ran = ran.says(&["smaller 1 of 4 hunks needed", "· 1 of 4 hunks needed"]);
    let (kept, told) = (ran.kept(), minimized(&ran));
    assert_eq!((&told["hunks_before"], &told["hunks_after"]), (&json!(4), &json!(1)));
    assert_eq!((&told["complete"], &told["why"]), (&json!(true), &Value::Null));
    assert_eq!(files(&kept, "patch.diff"), ["greeting.txt"]);
    assert_eq!(files(&kept, "patch.full.diff"), ["docs/about.md", "greeting.txt", "notes.txt"]);
    assert_eq!(world.git(&["status", "--porcelain"]), " M greeting.txt\n", "it is what was applied");
    assert_eq!(told["tried"], json!(kept.events("hunks_tried").len()));
    let tests = &ran.report()["tests"];
    assert_eq!((&tests["fresh"], &tests["fixed"]), (&json!(true), &json!(["greets"])));
    assert_eq!(
        (&tests["reproduced"]["state"], &tests["after"]["log"]),
        (&json!("yes"), &json!("logs/minimal/tests-1.log"))
    );
    world.commit_all();
    assert_eq!(tests["after"]["tree"], world.git(&["rev-parse", "HEAD^{tree}"]).trim());
    assert!(kept.read("report.md").contains("1 of 4 hunks needed; the whole patch is kept as `patch.full.diff`"));
}

#[test]
fn tests_that_the_patch_brings_stay_and_so_does_what_they_need() {
    let world = with_test_files(&[("test_stands", "test -e greeting.txt")]);
    let kimi = MockKimi::script([
        writes("tests/test_greets.sh", "grep -q World greeting.txt\n"),
        writes("tests/test_more.sh", "true\n"),
        edits("docs/about.md", "# About", "# About it"),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &["--minimize"]).code(0).says(&["3 of 4 hunks needed", "reproduced by test_greets"]);
    assert_eq!(files(&ran.kept(), "patch.diff"), ["greeting.txt", "tests/test_greets.sh", "tests/test_more.sh"]);
    assert_eq!(ran.stderr().matches("shows   ").count(), 1, "{}", ran.stderr());
}

#[test]
fn what_every_hunk_needs_stays_whole() {
    let world = with_tests(&format!(
        "{GREETS} 'notes=test -e notes.txt' 'about=grep -q it docs/about.md && grep -q mended docs/about.md'"
    ));
    let ran = world.fix(&talkative(), &["--minimize"]).code(0).says(&["smaller 4 of 4 hunks needed"]);
    assert!(!ran.kept().0.join("patch.full.diff").exists());
    assert_eq!(ran.kept().events("patch_written").last().unwrap()["files"].as_array().unwrap().len(), 3);
}

#[test]
fn tests_that_pass_without_any_of_it_cant_tell_what_is_needed() {
    let world = with_tests("'stands=test -e greeting.txt'");
    let ran =
        world.fix(&talkative(), &["--minimize"]).code(0).says(&["smaller left as it is: the tests pass without any"]);
    assert_eq!(files(&ran.kept(), "patch.diff"), ["docs/about.md", "greeting.txt", "notes.txt"]);
    assert_eq!(minimized(&ran)["hunks_after"], 4);
    assert!(!ran.kept().0.join("patch.full.diff").exists());
}

#[test]
fn what_isnt_verified_is_left_alone() {
    let world = with_tests(&format!("{GREETS} 'sad=false'"));
    let ran =
        world.fix(&crate::world::first_then(Answer::call("edit_file", EDIT), Answer::text("Done.")), &["--minimize"]);
    let ran = ran.code(5);
    assert_eq!((minimized(&ran), ran.kept().events("minimized").len()), (Value::Null, 0));
    let unknown = World::new();
    let told = minimized(&unknown.fix(&mender(), &["--minimize", "--test", "grep -q World greeting.txt"]).code(0));
    assert!(told["why"].as_str().unwrap().contains("single tests could not be compared"), "{told}");
}

/// A suite that never ends where the greeting is right and the notes are missing: not at the start, not with the whole patch.
fn hanging() -> World {
    with_tests(&format!("{GREETS} 'patient=! grep -q World greeting.txt || test -e notes.txt || sleep 300'"))
}

#[test]
fn an_interrupt_leaves_the_whole_patch() {
    let world = hanging();
    let before = Tree::of(&world.root());
    let kimi = talkative();
    let running = world.start(world.keyed(&kimi, &["fix", TASK, "--minimize", "--apply"]));
    running.wait_for_program("sleep");
    running.signal(Signal::INT);
    let ran = running.wait().code(130).says(&["interrupted while hunks were tried; the whole patch stands"]);
    crate::laws::hold(&world, &ran);
    before.assert_same(&Tree::of(&world.root()));
    let kept = ran.kept();
    assert_eq!(files(&kept, "patch.diff"), ["docs/about.md", "greeting.txt", "notes.txt"]);
    assert_eq!((minimized(&ran), kept.0.join("patch.full.diff").exists()), (Value::Null, false));
}

#[test]
fn when_time_is_out_what_was_found_by_then_counts() {
    let world = hanging();
    let ran = world.fix(&talkative(), &["--minimize", "--max-time", "20s"]).code(0).says(&["no time to try all"]);
    let told = minimized(&ran);
    assert_eq!(told["complete"], false);
    assert!(files(&ran.kept(), "patch.diff").contains(&"notes.txt".to_owned()), "without it nothing ended");
}

#[test]
fn it_works_on_copies_as_well() {
    let world = with_tests(GREETS);
    let ran =
        world.fix(&talkative(), &["--minimize", "--sandbox", "off"]).code(0).says(&["smaller 1 of 4 hunks needed"]);
    assert_eq!(files(&ran.kept(), "patch.diff"), ["greeting.txt"]);
}
