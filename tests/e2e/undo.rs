//! Taking a run back: the exact bytes, modes and absences that were there before it was applied, or nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::changes::{Sight, apply, changed_run};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, mender};

#[test]
fn everything_is_as_it_was_before() {
    let (world, before) = changed_run(World::new());
    let id = apply(&world);
    let after = Sight::of(&world);
    assert_ne!(before, after);
    assert!(!world.root().join("old").exists(), "a folder whose last file went is gone");

    let undone = world.run_freely(world.kcode(&["undo"])).code(0);
    undone.says(&[&format!("undid run {id}: 5 files put back"), &format!("kcode apply {id}")]);
    assert_eq!(before, Sight::of(&world), "bytes, modes, links, folders and absences");

    world.run_freely(world.kcode(&["apply", &id])).code(0);
    assert_eq!(after, Sight::of(&world), "and again");
    world.run_freely(world.kcode(&["undo", &id])).code(0);
    assert_eq!(before, Sight::of(&world));
}

#[test]
fn what_became_of_a_run_is_told() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let told = |world: &World| {
        let list = world.run(world.kcode(&["runs"])).code(0).stdout();
        let show = world.run(world.kcode(&["show"])).code(0).stdout();
        let json = world.run(world.kcode(&["show", "--output", "json"])).code(0).stdout();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let written = world.runs().pop().unwrap().join("report.json");
        assert_eq!(json, serde_json::from_slice::<serde_json::Value>(&fs::read(written).unwrap()).unwrap());
        (list, show, [json["applied"].clone(), json["undone"].clone()])
    };
    world.run(world.kcode(&["undo"])).code(7).says(&["is not applied", "hint: "]);
    world.run_freely(world.kcode(&["apply"])).code(0).says(&["take it back with: kcode undo"]);
    let (list, show, json) = told(&world);
    assert!(list.contains(" applied ") && show.contains("**Applied** to 1 file"), "{list}{show}");
    assert_eq!(json, [json!(1), json!(null)]);
    let undone = world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(undone.kept().events("undone").len(), 1);
    let (list, show, json) = told(&world);
    assert!(list.contains(" undone ") && show.contains("**Undone**: 1 file"), "{list}{show}");
    assert_eq!(json, [json!(null), json!(1)]);
    world.run(world.kcode(&["undo"])).code(7).says(&["no run of this repository is applied", "was undone already"]);
}

#[test]
fn a_run_that_is_not_applied_is_not_undone() {
    let world = World::new();
    let first = world.fix(&mender(), &[]).code(0).kept().id();
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.fix(&MockKimi::answering(|_| Answer::text("All is well.")), &[]).code(3);
    let folders = world.runs();
    let mut ids = folders.iter().map(|run| run.file_name().unwrap().to_str().unwrap());
    let second = ids.find(|id| *id != first).unwrap();
    world.run(world.kcode(&["undo", second])).code(7).says(&[
        &format!("run {second} is not applied"),
        "hint: `kcode undo` without a name takes the latest one that is applied",
    ]);
    // From anywhere else, too: the run knows its tree.
    let mut command = world.kcode(&["undo", &first]);
    command.current_dir(world.path("home"));
    world.run_freely(command).code(0).says(&[&format!("  in {}", world.root().display())]);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
}

#[test]
fn a_record_that_is_gone_is_told_and_nothing_is_guessed() {
    let (world, _) = changed_run(World::new());
    apply(&world);
    fs::remove_file(world.runs().pop().unwrap().join("applied.json")).unwrap();
    world.run(world.kcode(&["undo"])).code(7).says(&["can't read ", "nothing was undone", "git apply --reverse"]);
}

#[test]
fn a_file_that_changed_since_stops_all_of_it() {
    type Meddle = fn(&World);
    let cases: [(Meddle, &str); 5] = [
        (|world| world.write("greeting.txt", "Hello, World! (mine)\n"), "greeting.txt (changed)"),
        (|world| fs::remove_file(world.root().join("new/deep/file.txt")).unwrap(), "new/deep/file.txt (gone)"),
        (|world| world.write("old/gone.txt", "mine"), "old/gone.txt (there already)"),
        (
            |world| fs::set_permissions(world.root().join("run.sh"), Permissions::from_mode(0o600)).unwrap(),
            "run.sh (of another mode)",
        ),
        (
            |world| {
                world.write("greeting.txt", "mine");
                world.write("run.sh", "mine");
            },
            "greeting.txt (changed), run.sh (changed)",
        ),
    ];
    for (meddle, told) in cases {
        let (world, _) = changed_run(World::new());
        apply(&world);
        meddle(&world);
        let said = format!("{told} changed since it was applied; nothing was undone");
        world.run(world.kcode(&["undo"])).code(7).says(&[&said, "hint: your changes are safe"]);
    }
}

#[test]
fn what_the_user_put_beside_it_stays() {
    let (world, _) = changed_run(World::new());
    apply(&world);
    world.write("new/mine.txt", "mine");
    fs::set_permissions(world.root().join("greeting.txt"), Permissions::from_mode(0o600)).unwrap();
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(world.read("new/mine.txt"), "mine");
    assert!(!world.root().join("new/deep").exists(), "an empty folder goes, one with a file stays");
    let mode = fs::metadata(world.root().join("greeting.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "permissions that git doesn't know are the user's");
}

#[test]
fn a_folder_that_was_empty_before_stays() {
    let world = World::new();
    fs::create_dir(world.root().join("empty")).unwrap();
    let new = r#"{"path": "empty/new.txt", "content": "new\n"}"#;
    let kimi = MockKimi::script([Answer::calls([("edit_file", EDIT), ("write_file", new)]), Answer::text("Done.")]);
    world.fix(&kimi, &[]).code(0);
    let before = Sight::of(&world);
    apply(&world);
    assert_eq!(world.read("empty/new.txt"), "new\n");
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(before, Sight::of(&world));
}

#[test]
fn neither_git_nor_a_clean_tree_is_needed() {
    let (plain, before) = changed_run(World::without_git());
    apply(&plain);
    plain.run_freely(plain.kcode(&["undo"])).code(0);
    assert_eq!(before, Sight::of(&plain));

    let dirty = World::new();
    dirty.write("greeting.txt", "Mine first.\r\nHello, Wrold!\n");
    dirty.write("untracked.txt", "mine\n");
    let (dirty, before) = changed_run(dirty);
    apply(&dirty);
    assert_eq!(dirty.read("greeting.txt"), "Mine first.\r\nHello, World!\n");
    dirty.run_freely(dirty.kcode(&["undo"])).code(0);
    assert_eq!(before, Sight::of(&dirty));
}

#[test]
fn after_a_commit_the_tree_comes_back_and_the_commit_stays() {
    let (world, before) = changed_run(World::new());
    apply(&world);
    world.commit_all();
    let head = world.git(&["rev-parse", "HEAD"]);
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!((before, head), (Sight::of(&world), world.git(&["rev-parse", "HEAD"])));
    assert!(world.git(&["status", "--porcelain"]).contains(" M greeting.txt"));
}

#[test]
fn a_link_in_the_way_is_not_followed() {
    let (world, _) = changed_run(World::new());
    apply(&world);
    fs::rename(world.root().join("new"), world.path("elsewhere")).unwrap();
    symlink(world.path("elsewhere"), world.root().join("new")).unwrap();
    world.run(world.kcode(&["undo"])).code(7).says(&["new/deep/file.txt (gone)"]);
    assert!(world.path("elsewhere/deep/file.txt").exists());
}
