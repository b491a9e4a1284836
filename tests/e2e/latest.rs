//! Which run a command takes when nobody names one, and what is said when it can't have it, or `--apply` didn't apply.

use std::collections::BTreeSet;

use crate::pty::Terminal;
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, first_then, mender};

fn ids(world: &World) -> BTreeSet<String> {
    world.runs().iter().map(|run| run.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The id of the run that `make` makes.
fn made(world: &World, make: impl FnOnce()) -> String {
    let before = ids(world);
    make();
    let after = ids(world);
    let mut new = after.difference(&before);
    let id = new.next().unwrap().clone();
    assert!(new.next().is_none());
    id
}

fn idle() -> MockKimi {
    MockKimi::answering(|_| Answer::text("All is well."))
}

/// Makes the edit, and says the same thing from then on.
fn edited(later: Answer) -> MockKimi {
    first_then(Answer::call("edit_file", EDIT), later)
}

#[test]
fn the_latest_run_that_it_applies_to_is_taken_and_told() {
    let world = World::new();
    let kept = made(&world, || drop(world.fix(&mender(), &[]).code(0)));
    let nothing = made(&world, || drop(world.fix(&idle(), &[]).code(3)));
    let taken = |what: &str| format!("taking run {kept}, the latest {what}: {TASK}\n");

    world.run(world.kcode(&["verify"])).code(0).says(&[&taken("with test results")]);
    world.run(world.kcode(&["review"])).code(2).says(&[&taken("whose patch is not applied"), "needs a terminal"]);
    world.run_freely(world.kcode(&["apply"])).code(0).says(&[&taken("whose patch is not applied"), "applied run "]);
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    let undone = world.run_freely(world.kcode(&["undo"])).code(0);
    undone.says(&[&taken("that is applied"), &format!("undid run {kept}")]);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
    world.run(world.kcode(&["diff"])).code(0).says(&[&taken("with a patch")]);
    // Both have a conversation.
    world.run(world.kcode(&["replay"])).says(&[&format!("taking run {nothing}, the latest that can be replayed: ")]);
    world.run(world.kcode(&["export"])).code(0).says(&[&format!("taking run {nothing}, the latest: ")]);
    // What was undone can be applied again, and whoever names a run gets that one or an error.
    world.run_freely(world.kcode(&["apply", "-q"])).code(0);
    world.run(world.kcode(&["undo", &nothing])).code(7).says(&["is not applied"]);
    world.run(world.kcode(&["apply", &nothing])).code(3).says(&["has no patch"]);
    world.run(world.kcode(&["review", &nothing])).code(3).says(&["has no patch"]);
}

#[test]
fn where_none_fits_it_says_why() {
    let world = World::new();
    let refused = |command: &str, code: i32, words: &[&str]| {
        world.run(world.kcode(&[command])).code(code).says(words).says(&["\n  hint: "]);
    };
    for command in ["apply", "review", "undo", "resume", "verify", "diff", "replay", "export"] {
        refused(command, 2, &["this repository has no runs"]);
    }
    let nothing = made(&world, || drop(world.fix(&idle(), &[]).code(3)));
    let latest = format!("the latest, {nothing}, ");
    refused("apply", 3, &["no run of this repository has a patch to apply", &latest, "has no patch: no change"]);
    refused("review", 3, &["no run of this repository has a patch to review", &latest, "has no patch"]);
    refused("undo", 7, &["no run of this repository is applied", &latest, "has no patch"]);
    refused("resume", 2, &["no run of this repository can go on", &latest, "came to its end: no change"]);
    refused("verify", 3, &["no run of this repository has tests behind a patch", &latest, "has no patch"]);
    refused("diff", 3, &["no run of this repository has a patch", &latest, "has no patch: no change"]);
    let applied = made(&world, || drop(world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0)));
    let latest = format!("the latest, {applied}, ");
    for command in ["apply", "review"] {
        refused(command, 7, &[&latest, "was applied already", &format!("kcode undo {applied}")]);
    }
    refused("resume", 2, &[&latest, "was applied already"]);
}

#[test]
fn a_run_that_can_go_on_is_found_behind_one_that_cannot() {
    let world = World::new();
    let stopped = made(&world, || drop(world.fix(&edited(Answer::unauthorized()), &[]).code(77)));
    world.fix(&idle(), &[]).code(3);
    let ran = world.run(world.keyed(&MockKimi::script([Answer::text("Done.")]), &["resume"])).code(0);
    ran.says(&[&format!("taking run {stopped}, the latest that can go on: ")]);
}

#[test]
fn a_run_that_waits_at_its_question_is_open_elsewhere() {
    let world = World::new();
    let (before, kimi) = (Tree::of(&world.root()), mender());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("apply?");
    let id = ids(&world).pop_first().unwrap();
    let open = format!("error: run {id} is open in another kcode (pid {})\n", terminal.pid());
    for command in [&["apply"][..], &["apply", &id], &["review"], &["review", &id]] {
        world.start(world.kcode(command)).wait().code(2).says(&[&open, "hint: answer or end it there"]);
    }
    // These don't need it for themselves, or aren't for such a run.
    world.start(world.kcode(&["verify"])).wait().code(0);
    world.start(world.kcode(&["gc", "--keep", "0"])).wait().code(0);
    world.start(world.kcode(&["undo"])).wait().code(7).says(&["no run of this repository is applied"]);
    world.start(world.kcode(&["resume"])).wait().code(2).says(&["came to its end: verified"]);
    before.assert_same(&Tree::of(&world.root()));
    assert_eq!(ids(&world).len(), 1, "it is not removed while it is open");
    terminal.press("y");
    assert_eq!(terminal.end().0, Some(0));
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
}

#[test]
fn an_apply_that_does_not_happen_is_told() {
    type Case<'a> = (MockKimi, &'a [&'a str], i32, &'a [&'a str]);
    let wrong = r#"{"path": "greeting.txt", "old_text": "Wrold", "new_text": "Wordl"}"#;
    let cases: [Case<'_>; 6] = [
        (mender(), &["--no-verify"], 4, &["not applied: unverified · apply it all the same with: kcode apply ID\n"]),
        (
            first_then(Answer::call("edit_file", wrong), Answer::text("Done.")),
            &[],
            5,
            &["not applied: tests failing · apply it all the same with: kcode apply ID\n"],
        ),
        (idle(), &[], 3, &["not applied: no change · there is no patch\n"]),
        (
            edited(Answer::text("Never said.")),
            &["--max-turns", "1"],
            6,
            &[
                "not applied: budget · go on with: kcode resume ID --max-turns N --apply · take it as it is: kcode apply ID\n",
            ],
        ),
        (
            edited(Answer::unauthorized()),
            &[],
            77,
            &["not applied: unauthorized · go on with: kcode resume ID --apply · take it as it is: kcode apply ID\n"],
        ),
        (
            MockKimi::answering(|_| Answer::unauthorized()),
            &["-q"],
            77,
            &["not applied: unauthorized · there is no patch"],
        ),
    ];
    for (kimi, arguments, code, told) in cases {
        let world = World::new();
        let ran = world.run(world.keyed(&kimi, &[&["fix", TASK, "--apply"], arguments].concat())).code(code);
        let id = ran.kept().id();
        let told: Vec<String> = told.iter().map(|line| line.replace("ID", &id)).collect();
        ran.says(&told.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // Said by nobody who didn't ask for it, nor where it was done.
    let world = World::new();
    let ran = world.run(world.keyed(&mender(), &["fix", TASK, "--no-verify"])).code(4);
    assert!(!ran.stderr().contains("not applied"), "{}", ran.stderr());
    let ran = world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0);
    assert!(!ran.stderr().contains("not applied"), "{}", ran.stderr());
}

#[test]
fn a_tree_that_moved_on_is_no_success_and_the_command_that_merges_is_told() {
    let world = World::new();
    let file = world.root().join("greeting.txt");
    let mut turn = 0;
    let kimi = MockKimi::answering(move |_| {
        turn += 1;
        if turn == 1 {
            return Answer::call("edit_file", EDIT);
        }
        std::fs::write(&file, "Hello, Wrold!\nmine\n").unwrap();
        Answer::text("Done.")
    });
    let ran = world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(7);
    let id = ran.kept().id();
    ran.says(&["not applied: refused · then: ", &format!("kcode apply --3way {id}\n")]);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\nmine\n");
}

#[test]
fn a_run_without_a_reply_is_passed_over_by_what_plays_it_again() {
    let world = World::new();
    let refused = made(&world, || drop(world.fix(&MockKimi::answering(|_| Answer::unauthorized()), &[]).code(77)));
    let none = world.run(world.kcode(&["replay"])).code(2);
    none.says(&[
        "no run of this repository can be replayed",
        &format!("the latest, {refused}, can't be: it ended before the model had replied"),
        "hint: `kcode show` says why it ended",
    ]);
    let good = made(&world, || drop(world.fix(&mender(), &[]).code(0)));
    world.fix(&MockKimi::answering(|_| Answer::unauthorized()), &[]).code(77);
    world.run(world.kcode(&["replay"])).code(0).says(&[&format!("taking run {good}, the latest that can be replayed")]);
    world.run(world.kcode(&["diff", "-q"])).code(0);
}
