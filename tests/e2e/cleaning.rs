//! What tests made too much of is removed as far as there is time, however a run or a verification ends; the rest goes later.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World};

/// As if everything took too long.
const TIME: &str = "KCODE_TEST_TIME_TO_REMOVE_MS";

/// A world whose tests leave something, with a run that was verified while there was no time.
fn hurried() -> (World, PathBuf) {
    let world = World::new();
    world.write_test(
        "mkdir -p build/more; echo x > build/more/file; grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'",
    );
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env(TIME, "0");
    let ran = world.start(command).wait().code(0);
    assert!(ran.stderr().contains("is not all removed"), "{}", ran.stderr());
    let run = world.runs().remove(0);
    (world, run)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nobody_waits_for_what_tests_made_too_much_of() {
    let (world, run) = hurried();
    // The view of the start state's tests as well.
    assert!(!names(&run.join("trials")).is_empty(), "{:?}", names(&run));
    let kimi = MockKimi::script([Answer::text("Nothing to do.")]);
    let passing = ["overlay", "scratch", "tree", "trials", "view"];
    let left = |run: &Path| names(run).into_iter().filter(|name| passing.contains(&name.as_str())).collect::<Vec<_>>();
    assert!(!left(&run).is_empty());
    world.start(world.keyed(&kimi, &["resume", run.file_name().unwrap().to_str().unwrap()])).wait();
    assert_eq!(left(&run), Vec::<String>::new());
}

#[test]
fn a_verification_says_what_it_leaves_to_the_next() {
    let (world, _) = hurried();
    let mut command = world.kcode(&["verify"]);
    command.env(TIME, "0");
    let ran = world.start(command).wait().code(0);
    assert!(ran.stderr().contains("is not all removed"), "{}", ran.stderr());
    let all = world.state().join("verifications");
    assert!(!names(&all).is_empty());
    let ran = world.start(world.kcode(&["verify"])).wait().code(0);
    assert!(!ran.stderr().contains("is not all removed"), "{}", ran.stderr());
    assert_eq!(names(&all), Vec::<String>::new());
}
