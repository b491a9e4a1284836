//! What becomes a patch, and what does not.

use std::fs;

use kcode::journal::{ChangeKind, Digest};
use kcode::workspace::{LeftOutReason, Touched, write_patch};

use super::world::{World, full_patch, git_apply, link, path, set_mode, tree, write};

#[test]
fn an_edit_becomes_the_patch_that_git_writes() {
    let world = World::with_git();
    world.write("src/a b.txt", "one\ntwo\nthree\n");
    world.commit_all();
    let view = world.view();
    assert_eq!(full_patch(&view).sha256, None, "nothing changed yet");
    write(&view.root().join("src/a b.txt"), b"one\n2\nthree\n");
    let patch = view.patch(Touched::Paths(&[path("src/a b.txt")])).unwrap();
    world.write("src/a b.txt", "one\n2\nthree\n");
    assert_eq!(String::from_utf8(patch.bytes.clone()).unwrap(), world.git(&["diff", "--full-index"]));
    assert_eq!((patch.files.len(), patch.files[0].added, patch.files[0].removed), (1, 1, 1));
    assert_eq!(patch.sha256, Some(Digest::of(&patch.bytes)));
    view.remove().unwrap();
    assert!(!world.run().join("view").exists());
}

#[test]
fn every_kind_of_change_is_told_and_applies() {
    let world = World::with_git();
    for name in ["modified", "deleted", "mode", "moved", "typed"] {
        world.write(name, format!("{name}\r\nno final newline"));
    }
    world.write("image", b"\0\x01\x02");
    let view = world.view();
    let at = |name: &str| view.root().join(name);
    write(&at("modified"), b"other\r\nno final newline");
    write(&at("image"), b"\0\x01\x03\xff");
    write(&at("dir/added"), b"");
    fs::remove_file(at("deleted")).unwrap();
    set_mode(&at("mode"), 0o755);
    fs::rename(at("moved"), at("dir/now here")).unwrap();
    fs::remove_file(at("typed")).unwrap();
    link("image", &at("typed"));
    let patch = full_patch(&view);
    let told: Vec<_> = patch.files.iter().map(|file| (file.path.as_str(), file.kind.clone(), file.binary)).collect();
    assert_eq!(
        told,
        [
            ("deleted", ChangeKind::Deleted, false),
            ("dir/added", ChangeKind::Added, false),
            ("dir/now here", ChangeKind::Renamed { from: path("moved") }, false),
            ("image", ChangeKind::Modified, true),
            ("mode", ChangeKind::ModeChanged, false),
            ("modified", ChangeKind::Modified, false),
            ("typed", ChangeKind::Modified, false),
        ]
    );
    let copy = world.copy_of_project("copy");
    git_apply(&copy, &patch).unwrap();
    assert_eq!(tree(&copy), tree(view.root()));
}

#[test]
fn looking_at_touched_files_comes_to_the_same_as_looking_at_everything() {
    let world = World::with_git();
    world.write("src/a", "one\n");
    world.write("src/b", "two\n");
    link("src", &world.root().join("alias"));
    let view = world.view();
    let at = |name: &str| view.root().join(name);
    write(&at("alias/a"), b"through a link\n");
    fs::remove_file(at("src/b")).unwrap();
    write(&at("new"), b"new\n");
    let touched = view.patch(Touched::Paths(&[path("alias/a"), path("src/b"), path("new")])).unwrap();
    assert_eq!(touched.changes, full_patch(&view).changes);
    assert_eq!(touched.bytes, full_patch(&view).bytes);
    // Taken back: nothing is left of it.
    write(&at("src/a"), b"one\n");
    write(&at("src/b"), b"two\n");
    fs::remove_file(at("new")).unwrap();
    let touched = view.patch(Touched::Paths(&[path("src/a"), path("src/b"), path("new")])).unwrap();
    assert!(touched.files.is_empty() && touched.bytes.is_empty(), "{touched:?}");
}

#[test]
fn a_change_of_the_same_size_right_after_the_copy_is_seen() {
    let world = World::new();
    for number in 0..50 {
        world.write(&format!("{number}"), "before");
    }
    let view = world.view();
    for number in 0..50 {
        fs::write(view.root().join(number.to_string()), "behind").unwrap();
    }
    assert_eq!(full_patch(&view).files.len(), 50);
}

#[test]
fn what_tests_leave_behind_is_not_part_of_the_patch() {
    let world = World::with_git();
    world.write(".gitignore", "*.log\n");
    world.write("Cargo.toml", "[package]\n");
    world.write("pkg/__pycache__/stale.pyc", "untracked, not ignored");
    world.commit_some(&[".gitignore", "Cargo.toml"]);
    let view = world.view();
    let names = [
        "debug.log",
        "target/debug/app",
        "pkg/__pycache__/m.pyc",
        "pkg/__pycache__/stale.pyc",
        ".pytest_cache/v/x",
        ".coverage",
        ".git/HEAD",
    ];
    for name in names {
        write(&view.root().join(name), b"by-product");
    }
    assert_eq!(full_patch(&view).files, []);
    // What a tool writes by name counts, whatever it is called, and keeps counting.
    write(&view.root().join("Cargo.lock"), b"by a tool");
    let by_tool = [path("debug.log"), path("Cargo.lock"), path("target/debug/app")];
    let patch = view.patch(Touched::Paths(&by_tool)).unwrap();
    assert_eq!(patch.files.len(), 3);
    assert_eq!(full_patch(&view).files.len(), 3);
    // A new file of a command's that nothing ignores counts too.
    write(&view.root().join("generated.rs"), b"fn f() {}\n");
    assert_eq!(full_patch(&view).files.len(), 4);
}

#[test]
fn a_kept_start_survives_the_users_own_edit() {
    let world = World::with_git();
    world.write("kept", "start\n");
    world.write("lost", "start\n2\n");
    let view = world.view();
    view.keep(&path("kept")).unwrap();
    for name in ["kept", "lost"] {
        write(&view.root().join(name), b"of the run\n");
        world.write(name, "of the user\n");
    }
    let patch = full_patch(&view);
    assert_eq!(patch.files.len(), 1);
    assert!(String::from_utf8_lossy(&patch.bytes).contains("-start\n+of the run\n"));
    let left_out: Vec<_> = patch.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left_out, [("lost", LeftOutReason::StartGone)], "named, never guessed");
}

#[test]
fn a_link_out_of_the_view_is_never_read() {
    let world = World::with_git();
    let secret = world.beside("secret");
    write(&secret.join("key"), b"sk-very-secret");
    world.write("notes.md", "notes\n");
    world.write("dir/key", "not this\n");
    let view = world.view();
    fs::remove_file(view.root().join("notes.md")).unwrap();
    link(secret.join("key").to_str().unwrap(), &view.root().join("notes.md"));
    fs::remove_dir_all(view.root().join("dir")).unwrap();
    link(secret.to_str().unwrap(), &view.root().join("dir"));
    for touched in [Touched::Paths(&[path("notes.md"), path("dir/key")]), Touched::Anything] {
        let patch = view.patch(touched).unwrap();
        assert!(!String::from_utf8_lossy(&patch.bytes).contains("very-secret"));
        let gone = patch.changes.entries.iter().find(|entry| entry.path.as_str() == "dir/key").unwrap();
        assert_eq!(gone.after, None);
    }
}

#[test]
fn special_files_and_huge_ones_are_left_out_by_name() {
    let world = World::new();
    world.write("pipe", "one\n");
    let view = world.view();
    fs::remove_file(view.root().join("pipe")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(view.root().join("pipe")).unwrap();
    fs::File::create(view.root().join("huge")).unwrap().set_len(65 << 20).unwrap();
    let patch = full_patch(&view);
    let left_out: Vec<_> = patch.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left_out, [("huge", LeftOutReason::TooLarge), ("pipe", LeftOutReason::Special)]);
    assert!(patch.files.is_empty());
}

#[test]
fn the_patch_file_is_replaced_in_one_step() {
    let world = World::new();
    world.write("a", "one\n");
    let view = world.view();
    let file = world.run().join("patch.diff");
    write_patch(&file, &full_patch(&view)).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"");
    let reader = fs::File::open(&file).unwrap();
    write(&view.root().join("a"), b"two\n");
    let patch = full_patch(&view);
    write_patch(&file, &patch).unwrap();
    assert_eq!(fs::read(&file).unwrap(), patch.bytes);
    assert_eq!(reader.metadata().unwrap().len(), 0, "whoever had it open still sees the old one whole");
}

#[test]
fn nothing_of_a_run_gets_into_git() {
    let world = World::with_git();
    world.write("a", "one\n");
    let view = world.view();
    let hooks = [".git/hooks/pre-commit", ".GIT/config", "sub/.git/config"];
    for hook in hooks {
        write(&view.root().join(hook), b"#!/bin/sh\nevil\n");
    }
    assert_eq!(view.patch(Touched::Paths(&hooks.map(path))).unwrap().files, []);
    assert_eq!(full_patch(&view).files, []);
}

#[test]
fn ignore_rules_that_a_command_planted_are_not_read() {
    let world = World::new();
    world.write("kept/a", "one\n");
    let view = world.view();
    write(&view.root().join("kept/new"), b"new\n");
    link("/dev/zero", &view.root().join("kept/.gitignore"));
    write(&view.root().join("kept/a"), b"two\n");
    let patch = full_patch(&view);
    assert_eq!(patch.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["kept/a"]);
    let left_out: Vec<_> = patch.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect();
    assert_eq!(left_out, [("kept", LeftOutReason::IgnoreRules)]);
}

#[test]
fn a_link_that_moves_below_its_old_place_still_applies() {
    let world = World::with_git();
    link("../outside", &world.root().join("swap"));
    let view = world.view();
    fs::remove_file(view.root().join("swap")).unwrap();
    link("../outside", &view.root().join("swap/inner"));
    let patch = full_patch(&view);
    let copy = world.copy_of_project("copy");
    git_apply(&copy, &patch).unwrap();
    assert_eq!(tree(&copy), tree(view.root()));
}
