//! The id of a tree is the one that git gives it, and asking for it changes nothing of the user's.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use kcode::workspace::{NoTreeId, TreeIndex};

use crate::world::{World, everything, full_patch, git, git_apply, link, set_mode};

/// What git itself would commit of the project as it stands.
fn by_git(world: &World, copy: &str) -> String {
    let copy = world.copy_of_project(copy);
    git(&copy, &["add", "-A"]).unwrap();
    git(&copy, &["write-tree"]).unwrap().trim().to_owned()
}

fn dirty() -> World {
    let world = World::with_git();
    for name in ["a", "b", "dir/c", "gone", "name with \"quotes\" and\nlines"] {
        world.write(name, format!("{name}\n"));
    }
    link("a", &world.root().join("link"));
    world.write(".gitignore", "*.log\n");
    world.commit_all();
    world.write("a", "dirty\n");
    world.write("untracked/é", "mine\n");
    world.write("x.log", "not git's\n");
    fs::remove_file(world.root().join("gone")).unwrap();
    set_mode(&world.root().join("b"), 0o755);
    world
}

#[test]
fn it_is_gits_own_and_asking_changes_nothing() {
    let world = dirty();
    let before = everything(&world.root());
    let tree = TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    assert_eq!(everything(&world.root()), before);
    assert_eq!(tree.start(), by_git(&world, "copy"));
}

#[test]
fn a_change_in_the_tick_of_the_last_commit_is_seen() {
    let world = World::with_git();
    world.write("a", "old\n");
    let (file, index) = (world.root().join("a"), world.root().join(".git/index"));
    let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let tick = |path: &Path| File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    tick(&file);
    world.commit_all();
    // Nothing but its content tells that it changed.
    git(&world.root(), &["config", "core.trustctime", "false"]).unwrap();
    fs::write(&file, "new\n").unwrap();
    tick(&file);
    tick(&index);
    let tree = TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    assert_ne!(tree.start(), git(&world.root(), &["rev-parse", "HEAD^{tree}"]).unwrap().trim());
}

#[test]
fn with_a_patch_it_is_the_tree_that_the_patch_makes() {
    let world = dirty();
    let tree = TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    let view = world.view();
    fs::write(view.root().join("a"), "changed\n").unwrap();
    fs::write(view.root().join("new"), "new\n").unwrap();
    fs::remove_file(view.root().join("dir/c")).unwrap();
    fs::write(view.root().join("dir/d"), "d\n").unwrap();
    set_mode(&view.root().join("dir/d"), 0o755);
    let patch = full_patch(&view);
    let patched = tree.with(&patch.changes, view.blobs()).unwrap();
    let copy = world.copy_of_project("copy");
    git_apply(&copy, &patch).unwrap();
    git(&copy, &["add", "-A"]).unwrap();
    assert_eq!(patched.patched, git(&copy, &["write-tree"]).unwrap().trim());
    assert_eq!(patched.start, tree.start());
    assert_ne!(patched.patched, patched.start);
}

#[test]
fn a_folder_without_git_has_one_too_and_gets_no_git() {
    let world = World::new();
    world.write("a", "a\n");
    let before = everything(&world.root());
    let tree = TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    assert_eq!(everything(&world.root()), before);
    let copy = world.copy_of_project("copy");
    git(&copy, &["init", "-q"]).unwrap();
    git(&copy, &["add", "-A"]).unwrap();
    assert_eq!(tree.start(), git(&copy, &["write-tree"]).unwrap().trim());
}

#[test]
fn what_would_take_long_to_read_is_not_read() {
    let world = dirty();
    let file = fs::File::create(world.root().join("huge")).unwrap();
    file.set_len(300 << 20).unwrap();
    let refused = TreeIndex::of(&world.repository(), &world.run().join("tree"));
    assert!(matches!(refused, Err(NoTreeId::TooLarge)), "{refused:?}");
}

#[test]
fn nothing_that_a_repository_sets_up_runs() {
    let world = dirty();
    let trace = world.beside("ran");
    let program = format!("touch {}; cat", trace.display());
    world.write(".gitattributes", "* filter=trap\n");
    for (key, value) in
        [("filter.trap.clean", &*program), ("filter.trap.required", "true"), ("core.fsmonitor", &program)]
    {
        world.git(&["config", key, value]);
    }
    world.write("a", "dirtier\n");
    TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    assert!(!trace.exists());
}
