//! A patch file as the changes that it would make; the tree stays as it is.

use std::fs;

use kcode::journal::RelPath;
use kcode::workspace::{Blobs, ChangeSet, Direction, PatchFile, PatchFileError};

use super::world::{World, everything, full_patch, git, link, path, set_mode};

/// Files of all kinds, and the patch of a run that changed them in all ways.
fn patched() -> (World, kcode::workspace::Patch) {
    let world = World::with_git();
    world.write("text", "one\r\ntwo\nthree");
    world.write("dir/gone", "gone\n");
    world.write("old name", "a\nb\nc\nd\n");
    world.write("binary", [0, 159, 146, 150, 0]);
    world.write("run", "#!/bin/sh\n");
    link("text", &world.root().join("link"));
    world.commit_all();
    let view = world.view();
    let root = view.root();
    fs::write(root.join("text"), "one\r\n2\r\nthree\n").unwrap();
    fs::remove_file(root.join("dir/gone")).unwrap();
    fs::rename(root.join("old name"), root.join("näme")).unwrap();
    fs::write(root.join("binary"), [1, 0, 159, 255]).unwrap();
    set_mode(&root.join("run"), 0o755);
    fs::remove_file(root.join("link")).unwrap();
    link("run", &root.join("link"));
    let patch = full_patch(&view);
    (world, patch)
}

fn changes(world: &World, bytes: &[u8], paths: &[RelPath], direction: Direction) -> Result<ChangeSet, PatchFileError> {
    let before = everything(&world.root());
    let (scratch, blobs) = (world.run().join("scratch"), Blobs::at(&world.run().join("kept")));
    let file = PatchFile { bytes, paths, root: &world.root(), scratch: &scratch, blobs: &blobs };
    let changes = file.changes(direction);
    assert_eq!(everything(&world.root()), before, "the tree stays as it is");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "nothing is left of the copies");
    if let Ok(changes) = &changes {
        assert!(changes.entries.iter().filter_map(|entry| entry.after).all(|after| blobs.holds(after.sha256)));
    }
    changes
}

fn paths(changes: &ChangeSet) -> Vec<RelPath> {
    changes.entries.iter().map(|entry| entry.path.clone()).collect()
}

#[test]
fn they_are_those_that_the_patch_was_made_of() {
    let (world, patch) = patched();
    let paths = paths(&patch.changes);
    assert_eq!(changes(&world, &patch.bytes, &paths, Direction::Forth).unwrap(), patch.changes);
    let back = changes(&world, &patch.bytes, &paths, Direction::Back);
    assert!(matches!(back, Err(PatchFileError::Unfit(_))), "{back:?}");
}

#[test]
fn a_patch_that_is_in_place_goes_back_only() {
    let (world, patch) = patched();
    kcode::workspace::apply(&world.root(), &patch.changes, &Blobs::at(&world.run().join("blobs"))).unwrap();
    let paths = paths(&patch.changes);
    assert!(changes(&world, &patch.bytes, &paths, Direction::Forth).is_err());
    assert_eq!(changes(&world, &patch.bytes, &paths, Direction::Back).unwrap(), patch.changes.reversed());
}

#[test]
fn a_repository_above_the_folder_has_no_say() {
    let (world, patch) = patched();
    // Inside of a repository git would take paths from its top.
    git(world.run().parent().unwrap(), &["init", "-q"]).unwrap();
    assert_eq!(changes(&world, &patch.bytes, &paths(&patch.changes), Direction::Forth).unwrap(), patch.changes);
}

#[test]
fn what_a_patch_does_besides_or_to_git_is_refused() {
    let (world, patch) = patched();
    let fewer: Vec<_> = paths(&patch.changes).into_iter().filter(|known| known.as_str() != "näme").collect();
    let told = changes(&world, &patch.bytes, &fewer, Direction::Forth);
    assert!(matches!(&told, Err(PatchFileError::Unnamed(name)) if name == "näme"), "{told:?}");
    for hostile in [".git/hooks/pre-commit", "sub/.GIT/config"] {
        let patch = format!("--- /dev/null\n+++ b/{hostile}\n@@ -0,0 +1 @@\n+x\n");
        let told = changes(&world, patch.as_bytes(), &[path(hostile)], Direction::Forth);
        assert!(matches!(told, Err(PatchFileError::NoFile(_))), "{told:?}");
    }
    for outside in ["../outside", "/tmp/outside"] {
        let patch = format!("--- /dev/null\n+++ b/{outside}\n@@ -0,0 +1 @@\n+x\n");
        assert!(changes(&world, patch.as_bytes(), &[path("text")], Direction::Forth).is_err(), "{outside}");
    }
}

#[test]
fn no_link_leads_out_of_the_copies() {
    let (world, _) = patched();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    link(outside.to_str().unwrap(), &world.root().join("out"));
    let patch = "--- /dev/null\n+++ b/out/new\n@@ -0,0 +1 @@\n+x\n";
    let told = changes(&world, patch.as_bytes(), &[path("out"), path("out/new")], Direction::Forth);
    assert!(told.is_err(), "{told:?}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}
