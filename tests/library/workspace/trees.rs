//! The id of a tree is the one that git gives it, and asking for it changes nothing of the user's.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use kcode::workspace::{NoTreeId, TreeIndex};

use super::world::{World, everything, full_patch, git, git_apply, link, set_mode};

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

/// Several gits look at it.
#[test]
fn of_a_large_index_it_is_the_same() {
    let world = dirty();
    let long = "x".repeat(150);
    for number in 0..6_000 {
        world.write(&format!("large/{}/{long}{number}", number % 60), format!("{number}\n"));
    }
    git(&world.root(), &["add", "large"]).unwrap();
    assert!(fs::metadata(world.root().join(".git/index")).unwrap().len() > 1 << 20, "else one git would do it");
    world.write(&format!("large/7/{long}7"), "dirty\n");
    world.write("large/new", "mine\n");
    fs::remove_file(world.root().join(format!("large/8/{long}8"))).unwrap();
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

/// Files with their contents and the times of their last change.
fn with_times(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(with_times(&entry.path())),
            kind if kind.is_file() => {
                let time = entry.metadata().unwrap().modified().unwrap();
                found.push((entry.path(), fs::read(entry.path()).unwrap(), time));
            }
            _ => {}
        }
    }
    found.sort();
    found
}

/// A tree of eighty folders whose objects are old, packed or not.
fn wide(is_packed: bool) -> World {
    let world = World::with_git();
    for folder in 0..40 {
        for file in 0..4 {
            world.write(&format!("src/{folder}/{}", ["a", "a.b", "b/c", "b-c"][file]), format!("{folder} {file}\n"));
        }
    }
    world.commit_all();
    if is_packed {
        git(&world.root(), &["gc", "-q"]).unwrap();
    }
    let then = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    for (path, ..) in with_times(&world.root().join(".git/objects")) {
        set_mode(&path, 0o644);
        File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }
    world
}

#[test]
fn no_object_is_written_for_what_is_committed_and_none_of_the_users_is_touched() {
    for is_packed in [false, true] {
        let world = wide(is_packed);
        let objects = world.root().join(".git");
        let before = with_times(&objects);
        let (folder, repository) = (world.run().join("tree"), world.repository());
        let tree = TreeIndex::of(&repository, &folder).unwrap();
        assert_eq!(tree.start(), git(&world.root(), &["rev-parse", "HEAD^{tree}"]).unwrap().trim());
        assert_eq!(with_times(&folder.join("objects")).len(), 0, "packed: {is_packed}");
        assert!(!folder.join("index").exists(), "nothing differs, so that no index is copied");
        // One file as it stands in another place: git knows that content, and what holds it.
        world.write("src/7/a", "8 0\n");
        let dirty = TreeIndex::of(&repository, &world.run().join("dirty")).unwrap();
        assert_eq!(dirty.start(), by_git(&world, if is_packed { "packed" } else { "loose" }));
        assert_eq!(with_times(&world.run().join("dirty/objects")).len(), 1, "the file's content alone");
        assert!(before == with_times(&objects), "an object of the user's was touched");
    }
}

#[test]
fn a_merge_that_is_not_resolved_is_taken_as_it_stands() {
    let world = World::with_git();
    world.write("a", "start\n");
    world.commit_all();
    let in_root = |arguments: &[&str]| git(&world.root(), arguments);
    in_root(&["checkout", "-q", "-b", "other"]).unwrap();
    world.write("a", "theirs\n");
    world.commit_all();
    in_root(&["checkout", "-q", "-"]).unwrap();
    world.write("a", "ours\n");
    world.commit_all();
    assert!(in_root(&["merge", "-q", "other"]).is_err(), "a conflict");
    let tree = TreeIndex::of(&world.repository(), &world.run().join("tree")).unwrap();
    assert_eq!(tree.start(), by_git(&world, "copy"));
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
