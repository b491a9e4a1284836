//! What is in a private view, and what it leaves behind.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::sync::atomic::AtomicBool;

use kcode::workspace::{Copying, Touched, View, WorkspaceError, remove_tree};

use super::world::{World, everything, full_patch, link, path, set_mode, tree, write};

#[test]
fn the_view_starts_as_the_tree_stands() {
    let world = World::with_git();
    world.write(".gitignore", "*.log\nsecret/\n");
    for name in ["kept", "dirty", "deleted", "tracked.log"] {
        world.write(name, "one\n");
    }
    world.commit_all();
    world.write("dirty", "two\n");
    fs::remove_file(world.root().join("deleted")).unwrap();
    world.write("new/untracked", "three\n");
    world.write("ignored.log", "no\n");
    world.write("secret/key", "no\n");
    let view = world.view();
    let names: Vec<String> = tree(view.root()).into_keys().map(|name| String::from_utf8(name).unwrap()).collect();
    assert_eq!(names, [".gitignore", "dirty", "kept", "new/untracked", "tracked.log"]);
    assert_eq!(fs::read(view.root().join("dirty")).unwrap(), b"two\n");
    assert_eq!(view.root().file_name(), Some(OsStr::new("project")), "programs may name things by their folder");
    assert_eq!((view.made().kind.as_str(), view.made().files), ("copy", 5));
    assert_eq!(fs::metadata(view.root()).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn making_a_view_and_a_patch_changes_nothing_of_the_users() {
    let world = World::with_git();
    world.write("a.txt", "one\n");
    world.write("b.txt", "two\n");
    world.commit_all();
    world.write("a.txt", "stashed\n");
    world.git(&["stash"]);
    world.write("b.txt", "staged\n");
    world.git(&["add", "b.txt"]);
    world.write("b.txt", "staged and dirty\n");
    let stamps = |world: &World| {
        let stamp = |path: &Vec<u8>| {
            let metadata = world.root().join(OsStr::from_bytes(path)).symlink_metadata().unwrap();
            (metadata.mtime_nsec(), metadata.ctime_nsec(), metadata.ino())
        };
        let tree = everything(&world.root());
        tree.keys().map(|path| (path.clone(), stamp(path))).collect::<BTreeMap<_, _>>()
    };
    let before = (everything(&world.root()), stamps(&world));
    let view = world.view();
    write(&view.root().join("a.txt"), b"edited\n");
    fs::remove_file(view.root().join("b.txt")).unwrap();
    view.keep(&path("a.txt")).unwrap();
    assert_eq!(full_patch(&view).files.len(), 2);
    view.remove().unwrap();
    assert_eq!((everything(&world.root()), stamps(&world)), before);
}

#[test]
fn copies_are_copies() {
    let world = World::new();
    world.write("a.txt", "one\n");
    world.write("run.sh", "#!/bin/sh\n");
    set_mode(&world.root().join("run.sh"), 0o4755);
    world.write("read-only", "one\n");
    set_mode(&world.root().join("read-only"), 0o444);
    fs::hard_link(world.root().join("a.txt"), world.root().join("same.txt")).unwrap();
    link("a.txt", &world.root().join("inside"));
    link("/etc/passwd", &world.root().join("outside"));
    let view = world.view();
    let at = |name: &str| view.root().join(name).symlink_metadata().unwrap();
    for name in ["a.txt", "same.txt", "run.sh"] {
        assert_eq!(at(name).nlink(), 1, "{name} shares its inode with nothing");
    }
    assert_eq!(at("run.sh").mode() & 0o7777, 0o755, "executable, not setuid");
    assert!(at("read-only").mode() & 0o200 != 0, "a tool may edit it");
    assert!(at("outside").is_symlink(), "a link that leads out stays a link");
    assert_eq!(fs::read_link(view.root().join("inside")).unwrap(), OsStr::new("a.txt"));
    assert_eq!(full_patch(&view).sha256, None);
}

#[test]
fn what_cannot_be_copied_is_noted() {
    let world = World::with_git();
    world.write("a.txt", "one\n");
    let _socket = UnixListener::bind(world.root().join("socket")).unwrap();
    let big = fs::File::create(world.root().join("big.bin")).unwrap();
    big.set_len(101 << 20).unwrap();
    let view = world.view();
    let notes = view.made().notes.join("\n");
    assert!(notes.contains("socket is not in the view: it is a pipe, a socket or a device"), "{notes}");
    assert!(notes.contains("big.bin is not in the view: it is untracked and has 101 MB"), "{notes}");
    assert_eq!(view.made().files, 1);
    write(&view.root().join("big.bin"), b"small");
    let patch = view.patch(Touched::Paths(&[path("big.bin")])).unwrap();
    assert_eq!((patch.files.len(), patch.left_out.len()), (0, 1), "git apply would find the user's file there");
}

#[test]
fn names_that_are_not_utf8_are_copied() {
    let world = World::new();
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(world.root().join(name), "latin").unwrap();
    let view = world.view();
    assert_eq!(fs::read(view.root().join(name)).unwrap(), b"latin");
    fs::write(view.root().join(name), "changed").unwrap();
    let patch = full_patch(&view);
    assert!(patch.files.is_empty() && patch.left_out[0].reason.to_string().contains("UTF-8"));
}

#[test]
fn dependency_folders_are_visible_and_never_part_of_the_patch() {
    let world = World::with_git();
    world.write(".gitignore", "node_modules\n");
    world.write("package.json", "{}\n");
    world.write("packages/a/package.json", "{}\n");
    world.write("node_modules/left-pad/index.js", "module.exports = 1\n");
    world.write("packages/a/node_modules/x/index.js", "module.exports = 2\n");
    world.write(".venv/bin/python", "not ignored, but untracked\n");
    world.commit_some(&[".gitignore", "package.json", "packages/a/package.json"]);
    let view = world.view();
    let at = |name: &str| view.root().join(name);
    assert!(at("node_modules").is_symlink() && at(".venv").is_symlink());
    assert_eq!(fs::read(at("packages/a/node_modules/x/index.js")).unwrap(), b"module.exports = 2\n");
    let root = fs::canonicalize(world.root()).unwrap();
    let targets = ["", "packages/a/"].map(|folder| root.join(folder).join("node_modules"));
    let outline = world.repository().outline_paths(100);
    let visible = world.repository().dependencies(&["node_modules".to_owned(), ".venv".to_owned()], &outline).folders;
    assert_eq!(visible, [root.join(".venv"), targets[0].clone(), targets[1].clone()]);
    assert_eq!(full_patch(&view).sha256, None);
}

#[test]
fn dependency_folders_are_named_by_several_parts_twice_and_within_each_other() {
    let world = World::with_git();
    world.write("a/far/x", "1\n");
    world.write("b/near/deep/y", "2\n");
    link("../a/far", &world.root().join("b/link"));
    let names = ["a/far", "far", "far/x", "near", "near/deep", "deep", "b/near", "b/link", "link"].map(str::to_owned);
    let view = View::create(&world.repository(), &world.run(), &names).unwrap();
    let at = |name: &str| view.root().join(name);
    assert!(at("a/far").is_symlink() && at("b/near").is_symlink() && at("b/link").is_symlink());
    assert_eq!(fs::read(at("b/near/deep/y")).unwrap(), b"2\n");
    assert!(!world.root().join("b/near/deep").is_symlink(), "nothing was made in the user's own tree");
    assert_eq!(full_patch(&view).sha256, None);
}

#[test]
fn tracked_dependency_folders_are_copied() {
    let world = World::with_git();
    world.write("node_modules/vendored/index.js", "1\n");
    world.commit_all();
    let view = world.view();
    assert!(!view.root().join("node_modules").is_symlink());
    write(&view.root().join("node_modules/vendored/index.js"), b"2\n");
    assert_eq!(full_patch(&view).files.len(), 1);
}

#[test]
fn a_workspace_sees_its_own_packages_of_the_view() {
    let world = World::with_git();
    world.write(".gitignore", "node_modules\n");
    world.write("packages/a/index.js", "original\n");
    world.write("packages/b/index.js", "original\n");
    world.write("node_modules/left-pad/index.js", "1\n");
    link("../packages/a", &world.root().join("node_modules/a"));
    link("../../packages/b", &world.root().join("node_modules/@org/b"));
    let view = world.view();
    for package in ["a", "b"] {
        write(&view.root().join("packages").join(package).join("index.js"), b"edited\n");
    }
    let read = |name: &str| fs::read_to_string(view.root().join("node_modules").join(name).join("index.js")).unwrap();
    assert_eq!((read("a"), read("@org/b"), read("left-pad")), ("edited\n".into(), "edited\n".into(), "1\n".into()));
    assert_eq!(full_patch(&view).files.len(), 2);
}

#[test]
fn an_editable_install_is_warned_of() {
    let world = World::new();
    let root = fs::canonicalize(world.root()).unwrap();
    world.write(".venv/lib/python3.13/site-packages/__editable__.calc.pth", format!("{}/src\n", root.display()));
    world.write("src/calc.py", "x = 1\n");
    let notes = world.view().made().notes.join("\n");
    assert!(notes.contains(".venv is linked, read-only; it has this project installed in editable mode"), "{notes}");
}

#[test]
fn removal_leaves_nothing_not_even_read_only_folders() {
    let world = World::new();
    world.write("a.txt", "one\n");
    let view = world.view();
    write(&view.root().join("locked/deeper/file"), b"");
    link("/etc", &view.root().join("locked/etc"));
    set_mode(&view.root().join("locked/deeper"), 0o000);
    set_mode(&view.root().join("locked"), 0o500);
    view.remove().unwrap();
    assert!(!world.run().join("view").exists());
    assert!(fs::metadata("/etc").unwrap().permissions().mode() & 0o777 == 0o755, "links are not followed");
}

#[test]
fn a_view_that_is_stopped_leaves_nothing() {
    let world = World::new();
    world.write("a.txt", "one\n");
    let place = View::place(&world.repository(), &world.run()).unwrap();
    let (repository, run, stop) = (world.repository(), world.run(), AtomicBool::new(true));
    let stopped = View::fill(&Copying { repository: &repository, run: &run, place, dependencies: &[], stop: &stop });
    assert!(matches!(stopped, Err(WorkspaceError::Stopped)));
    assert!(!world.run().join("view").exists());
    drop(world.view());
    remove_tree(&world.run().join("view")).unwrap();
    assert!(!world.run().join("view").exists(), "what a killed run leaves can be removed later");
    remove_tree(&world.run().join("view")).unwrap();
}

#[test]
fn a_run_has_one_view() {
    let world = World::new();
    world.write("a.txt", "one\n");
    let view = world.view();
    assert!(View::create(&world.repository(), &world.run(), &[]).is_err());
    assert!(view.root().join("a.txt").exists(), "the first one is left alone");
}

#[test]
fn two_thousand_files() {
    let world = World::with_git();
    for number in 0..2_000 {
        world.write(&format!("folder {}/file {number}.txt", number % 50), format!("content {number}\n"));
    }
    world.commit_all();
    let view = world.view();
    assert_eq!(view.made().files, 2_000);
    assert_eq!(tree(view.root()), tree(&world.root()));
    assert_eq!(full_patch(&view).sha256, None);
    write(&view.root().join("folder 7/file 7.txt"), b"changed\n");
    assert_eq!(full_patch(&view).files.len(), 1);
}
