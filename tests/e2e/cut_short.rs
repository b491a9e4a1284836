//! `kill -9` at every step of apply and undo: the next command finds the tree before or after, and never a half.
//!
//! The binary of a debug build dies where `KCODE_TEST_CRASH_AT` says; a release has no such points.

use std::fs;
use std::process::Command;

use crate::changes::{Sight, apply, changed_run};
use crate::laws;
use crate::ran::Ran;
use crate::support::skipped::can_crash;
use crate::world::World;

/// There are fewer steps than this in any of these.
const MANY: u32 = 200;

fn dying_at(mut command: Command, point: u32) -> Command {
    command.env("KCODE_TEST_CRASH_AT", format!("apply:{point}"));
    command
}

/// What a killed process leaves is not held against it.
fn start(world: &World, command: Command) -> Ran {
    world.start(command).wait()
}

/// Kills `arguments` at each of its steps in turn, has the next command put it right, and goes on until it isn't killed any
/// more. Returns how often it was killed, and how often that was too late to be taken back.
fn at_every_step(world: &World, arguments: &[&str], before: &Sight, after: &Sight, next: &[&str]) -> (u32, u32) {
    let mut finished = 0;
    for point in 1..MANY {
        let ran = start(world, dying_at(world.kcode(arguments), point));
        if ran.output.status.code().is_some() {
            ran.code(0);
            assert_eq!(*after, Sight::of(world));
            return (point - 1, finished);
        }
        let told = world.run_freely(world.kcode(next)).code(0).stderr();
        let now = Sight::of(world);
        if now == *after {
            finished += 1;
            // Back to where it was, for the next one.
            let back = if arguments[0] == "apply" { "undo" } else { "apply" };
            assert!(told.contains("was cut short; it is ") || !told.contains("cut short"), "{point}: {told}");
            world.run_freely(world.kcode(&[back])).code(0);
            assert_eq!(*before, Sight::of(world), "{back} after step {point}");
        } else {
            assert_eq!(*before, now, "step {point}: {told}");
            assert!(told.contains("was cut short; your tree is as it was") || !told.contains("cut short"), "{told}");
        }
    }
    panic!("{arguments:?} never came to its end");
}

#[test]
fn apply_and_undo_are_whole_or_nothing() {
    if !can_crash() {
        return;
    }
    let (world, before) = changed_run(World::new());
    apply(&world);
    let after = Sight::of(&world);
    world.run_freely(world.kcode(&["undo"])).code(0);
    let (steps, finished) = at_every_step(&world, &["apply"], &before, &after, &["runs"]);
    assert!(steps > 15 && finished >= 2 && steps - finished > 10, "{steps} steps, {finished} of them finished");
    let (steps, finished) = at_every_step(&world, &["undo"], &after, &before, &["show"]);
    assert!(steps > 15 && finished >= 2 && steps - finished > 10, "{steps} steps, {finished} of them finished");
}

#[test]
fn putting_it_right_may_be_cut_short_as_well() {
    if !can_crash() {
        return;
    }
    let (world, before) = changed_run(World::new());
    apply(&world);
    world.run_freely(world.kcode(&["undo"])).code(0);
    // The last step before it is noted: everything has to be taken back.
    let noted = (1..MANY).find(|point| {
        start(&world, dying_at(world.kcode(&["apply"]), *point));
        let kept = world.runs().pop().unwrap().join("journal.jsonl");
        let applied = fs::read_to_string(kept).unwrap().matches(r#""type":"applied""#).count();
        world.run_freely(world.kcode(&["runs"])).code(0);
        applied == 2
    });
    let last = noted.unwrap() - 1;
    world.run_freely(world.kcode(&["undo"])).code(0);
    for point in 1..MANY {
        start(&world, dying_at(world.kcode(&["apply"]), last));
        assert!(world.read("greeting.txt").contains("World"), "written, and not noted");
        let ran = start(&world, dying_at(world.kcode(&["runs"]), point));
        if ran.output.status.code().is_some() {
            assert!(point > 5, "it is put right in steps");
            assert_eq!(before, Sight::of(&world));
            laws::hold(&world, &ran.says(&["was cut short; your tree is as it was before"]));
            return;
        }
        world.run_freely(world.kcode(&["runs"])).code(0);
        assert_eq!(before, Sight::of(&world), "step {point}");
    }
    panic!("it never came to its end");
}

#[test]
fn whatever_command_comes_next_puts_it_right() {
    if !can_crash() {
        return;
    }
    let (world, before) = changed_run(World::new());
    let id = world.runs().pop().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    for next in [&["show"][..], &["diff"], &["runs", "--all"], &["undo"], &["resume"], &["fix", "more", "--no-verify"]]
    {
        let halfway = start(&world, dying_at(world.kcode(&["apply"]), 12));
        assert_eq!(halfway.output.status.code(), None);
        assert_ne!(before, Sight::of(&world), "it is a half");
        let told = start(&world, world.kcode(next));
        told.says(&[&format!("applying run {id} was cut short; your tree is as it was before")]);
        assert_eq!(before, Sight::of(&world), "{next:?}");
    }
    start(&world, dying_at(world.kcode(&["apply"]), 12));
    let applied = world.run_freely(world.kcode(&["apply"])).code(0);
    applied.says(&["was cut short; your tree is as it was before", &format!("applied run {id}")]);
}

#[test]
fn what_somebody_changed_in_between_is_left_to_them() {
    if !can_crash() {
        return;
    }
    let (world, before) = changed_run(World::new());
    let halfway = (1..MANY).find(|point| {
        start(&world, dying_at(world.kcode(&["apply"]), *point));
        let is_new = world.read("greeting.txt").contains("World");
        if !is_new {
            world.run_freely(world.kcode(&["runs"])).code(0);
        }
        is_new
    });
    assert!(halfway.is_some());
    world.write("greeting.txt", "mine\n");
    let told = world.run_freely(world.kcode(&["runs"])).code(0);
    told.says(&["was cut short; your tree is as it was before, but for files that changed meanwhile: greeting.txt"]);
    assert_eq!(world.read("greeting.txt"), "mine\n");
    world.write("greeting.txt", "Hello, Wrold!\n");
    assert_eq!(before, Sight::of(&world), "all others are back");
    world.run_freely(world.kcode(&["apply"])).code(0);
}

#[test]
fn what_cannot_be_put_back_yet_waits() {
    if !can_crash() {
        return;
    }
    let (world, before) = changed_run(World::new());
    start(&world, dying_at(world.kcode(&["apply"]), 12));
    // A folder where a file was: nobody's content, and no place for it.
    assert!(!world.root().join("old").exists());
    world.write("old", "in the way");
    let told = start(&world, world.kcode(&["runs"])).code(0);
    told.says(&["was cut short, and these files can't be put back yet: old/gone.txt"]);
    start(&world, world.kcode(&["apply"])).code(7).says(&["they can't be put back yet", "hint: "]);
    fs::remove_file(world.root().join("old")).unwrap();
    world.run_freely(world.kcode(&["runs"])).code(0).says(&["your tree is as it was before"]);
    assert_eq!(before, Sight::of(&world));
}
