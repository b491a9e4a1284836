//! Applying to a tree that moved on, that others write to, or that can't be written: merged, in turn, or not at all.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::changes::{Sight, changed_run};
use crate::support::kimi::{Answer, MockKimi};
use crate::support::skipped::{Need, given};
use crate::world::{World, mender};

/// Twelve lines with a misspelt greeting among them, some ended as on Windows.
fn lines(greeting: &str, end: &str) -> String {
    format!("{greeting}\r\n{}{end}", "a line\r\n".repeat(10))
}

fn long() -> World {
    let world = World::new();
    world.write("greeting.txt", lines("Hello, Wrold!", "the end"));
    world.commit_all();
    world.fix(&mender(), &[]).code(0);
    world
}

#[test]
fn other_places_of_a_file_are_merged_when_that_is_asked_for() {
    let world = long();
    world.write("greeting.txt", lines("Hello, Wrold!", "my end\n"));
    let mine = Sight::of(&world);
    world.run(world.kcode(&["apply"])).code(7).says(&["greeting.txt (changed)", "`kcode apply --3way`"]);
    let ran = world.run_freely(world.kcode(&["apply", "--3way"])).code(0);
    let ran = ran.says(&["applied run ", "merged with your changes, not tested: greeting.txt"]);
    assert_eq!(world.read("greeting.txt"), lines("Hello, World!", "my end\n"));
    assert_eq!((&ran.report()["applied"], &ran.report()["merged"]), (&json!(1), &json!(["greeting.txt"])));
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(mine, Sight::of(&world), "my changes are back, and not the run's start");
}

#[test]
fn conflicts_are_listed_file_by_file_and_nothing_is_written() {
    let (world, _) = changed_run(World::new());
    world.write("greeting.txt", "Hello, Wrold, mine!\n");
    world.write("old/gone.txt", "mine");
    world.write("new/deep/file.txt", "mine");
    fs::remove_file(world.root().join("docs/about.md")).unwrap();
    world.run(world.kcode(&["apply", "--3way"])).code(7).says(&[
        "can't be merged; nothing was applied",
        "file  greeting.txt: both changed it near line 1\n",
        "file  old/gone.txt: the patch deletes it, and it is changed\n",
        "file  new/deep/file.txt: the patch makes it, and it is there already\n",
        "file  docs/about.md: the patch changes it, and it is gone\n",
        "hint: your changes are safe",
    ]);
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let (world, _) = changed_run(World::new());
    world.write("greeting.txt", "Hello, World!\n");
    fs::remove_dir_all(world.root().join("old")).unwrap();
    let mine = Sight::of(&world);
    let ran = world.run_freely(world.kcode(&["apply", "--3way"])).code(0);
    ran.says(&["3 files"]);
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(mine, Sight::of(&world));
}

#[test]
fn two_at_once_come_one_after_the_other() {
    let world = World::new();
    for n in 0..2 {
        let new = format!(r#"{{"path": "shared/new-{n}.txt", "content": "{n}"}}"#);
        let kimi = MockKimi::script([Answer::call("write_file", &new), Answer::text("Done.")]);
        world.run(world.keyed(&kimi, &["fix", "add a file", "--no-verify"])).code(4);
    }
    let ids: Vec<String> =
        world.runs().iter().map(|run| run.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for _ in 0..5 {
        let both = ids.iter().map(|id| world.start(world.kcode(&["apply", id]))).collect::<Vec<_>>();
        for running in both {
            running.wait().code(0);
        }
        assert_eq!([0, 1].map(|n| world.read(&format!("shared/new-{n}.txt"))), ["0", "1"]);
        let both = ids.iter().map(|id| world.start(world.kcode(&["undo", id]))).collect::<Vec<_>>();
        for running in both {
            running.wait().code(0);
        }
        assert!(!world.root().join("shared/new-0.txt").exists() && !world.root().join("shared/new-1.txt").exists());
    }
    crate::laws::nothing_is_left(&world);
}

#[test]
fn a_file_that_only_may_be_read_is_still_a_file() {
    let (world, _) = changed_run(World::new());
    fs::set_permissions(world.root().join("greeting.txt"), Permissions::from_mode(0o440)).unwrap();
    let before = Sight::of(&world);
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(fs::metadata(world.root().join("greeting.txt")).unwrap().permissions().mode() & 0o777, 0o440);
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(before, Sight::of(&world));
}

/// Runs `command` with the rights of the files' owner and no more, also where the tests run as root; `None` where it can't be had.
fn as_owner(command: &Command) -> Option<Command> {
    let owner = ["-U", "--map-user=1000", "--map-group=1000"];
    let can = Command::new("unshare").args(owner).arg("true").stderr(Stdio::null()).status();
    if !given(Need::UserNamespaces, can.is_ok_and(|status| status.success())) {
        return None;
    }
    let mut wrapped = Command::new("unshare");
    wrapped.args(owner).arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir(command.get_current_dir()?).stdin(Stdio::null());
    Some(wrapped)
}

#[test]
fn a_folder_that_its_owner_may_not_write_stops_all_of_it() {
    let (world, _) = changed_run(World::new());
    let set = |folder: &str, bits| {
        fs::set_permissions(world.root().join(folder), Permissions::from_mode(bits)).unwrap();
    };
    let tried = |arguments: &[&str], told: &str| {
        let before = Sight::of(&world);
        let Some(command) = as_owner(&world.kcode(arguments)) else { return };
        world.run_freely(command).code(7).says(&["can't write ", "Permission denied", told, "hint: check permissions"]);
        assert_eq!(before, Sight::of(&world), "{arguments:?}");
    };
    for folder in ["old", "."] {
        set(folder, 0o555);
        tried(&["apply"], "nothing was applied");
        set(folder, 0o755);
    }
    let before = Sight::of(&world);
    let apply = world.kcode(&["apply"]);
    world.run_freely(as_owner(&apply).unwrap_or(apply)).code(0);
    for folder in ["new/deep", "."] {
        set(folder, 0o555);
        tried(&["undo"], "nothing was undone");
        set(folder, 0o755);
    }
    let undo = world.kcode(&["undo"]);
    world.run_freely(as_owner(&undo).unwrap_or(undo)).code(0);
    assert_eq!(before, Sight::of(&world));
}

/// Runs `command` after `script`, in a mount namespace of its own; `None` where there can't be one. `$0` is the project.
fn mounted(world: &World, script: &str, command: &Command) -> Option<Command> {
    let can =
        Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "t", "/mnt"]).stderr(Stdio::null()).status();
    if !given(Need::Mounts, can.is_ok_and(|status| status.success())) {
        return None;
    }
    let mut wrapped = Command::new("unshare");
    wrapped.args(["-Urm", "sh", "-c", &format!("{script} || exit 99; exec \"$@\"")]).arg(world.root());
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir(world.root()).stdin(Stdio::null());
    Some(wrapped)
}

#[test]
fn a_folder_that_cannot_be_written_stops_all_of_it() {
    let (world, before) = changed_run(World::new());
    // The other files come first and have to be put back.
    for script in [
        "mount --bind \"$0/old\" \"$0/old\" && mount -o remount,ro,bind \"$0/old\"",
        "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && cd \"$0\"",
    ] {
        let Some(command) = mounted(&world, script, &world.kcode(&["apply"])) else { return };
        let ran = world.run_freely(command);
        assert!([7, 74].contains(&ran.output.status.code().unwrap()), "{}", ran.stderr());
        ran.says(&["can't write ", "nothing was applied", "hint: check permissions"]);
        assert_eq!(before, Sight::of(&world), "{script}");
    }
}

#[test]
fn a_full_disk_stops_all_of_it() {
    let world = World::new();
    let big = format!(r#"{{"path": "zz-big.txt", "content": "{}"}}"#, "0123456789abcdef".repeat(5_000));
    let edit = crate::world::EDIT;
    let kimi = MockKimi::script([Answer::calls([("edit_file", edit), ("write_file", &big)]), Answer::text("Done.")]);
    world.fix(&kimi, &[]).code(0);
    // The project lies on a disk with less room than the new file takes; what became of it is compared there.
    let script = "cp -a \"$0\" \"$0.copy\" && mount -t tmpfs -o size=64k t \"$0\" && cp -a \"$0.copy/greeting.txt\" \"$0\" \
                  && cd \"$0\"";
    let line = "\"$@\"; code=$?; find . | sort; cat greeting.txt; exit $code";
    let apply = world.kcode(&["apply"]);
    let mut wrapped = Command::new("sh");
    wrapped.args(["-c", line, "sh"]).arg(apply.get_program()).args(apply.get_args());
    wrapped.arg(world.runs()[0].file_name().unwrap());
    wrapped.env_clear().envs(apply.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Some(command) = mounted(&world, script, &wrapped) else { return };
    let ran = world.start(command).wait().code(74);
    let ran = ran.says(&["can't write zz-big.txt: No space left on device", "nothing was applied"]);
    assert_eq!(ran.stdout(), ".\n./greeting.txt\nHello, Wrold!\n");
}
