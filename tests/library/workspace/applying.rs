//! Applying a change set: all files or none, exactly, and back again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use kcode::workspace::{ApplyError, ChangeSet, ChangedFile, apply};

use super::world::{World, everything, full_patch, link, path, set_mode, tree, write};

/// A project, and a view in which `one` is edited, `two` deleted and `three/new` added.
fn changed() -> (World, kcode::workspace::View, kcode::workspace::Patch) {
    let world = World::with_git();
    world.write("one", "1\r\n");
    world.write("two", "2\n");
    world.write("other", "not touched\n");
    world.commit_all();
    let view = world.view();
    write(&view.root().join("one"), b"uno\r\n");
    fs::remove_file(view.root().join("two")).unwrap();
    write(&view.root().join("three/new"), b"3");
    let patch = full_patch(&view);
    (world, view, patch)
}

#[test]
fn files_are_written_exactly_and_the_index_is_left_alone() {
    let (world, view, patch) = changed();
    world.git(&["config", "core.autocrlf", "true"]);
    let git_before = everything(&world.root().join(".git"));
    let applied = apply(&world.root(), &patch.changes, view.blobs()).unwrap();
    assert_eq!(applied.files, 3);
    assert_eq!(tree(&world.root()), tree(view.root()));
    assert_eq!(everything(&world.root().join(".git")), git_before);
    let names: Vec<_> = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "no staging folder is left: {names:?}");
}

#[test]
fn one_file_that_moved_on_stops_all() {
    type Meddle = fn(&World);
    let cases: [(Meddle, &str); 7] = [
        (|world| world.write("one", "mine\r\n"), "one (changed)"),
        (|world| set_mode(&world.root().join("one"), 0o755), "one (of another mode)"),
        (|world| fs::remove_file(world.root().join("two")).unwrap(), "two (gone)"),
        (|world| world.write("three/new", "mine"), "three/new (there already)"),
        (|world| link("other", &world.root().join("three/new")), "three/new (there already)"),
        (|world| world.write("three/new/deeper", "mine"), "three/new (a folder)"),
        (|world| link("/tmp", &world.root().join("three")), "three/new (behind a link or a file)"),
    ];
    for (meddle, told) in cases {
        let (world, view, patch) = changed();
        meddle(&world);
        let before = everything(&world.root());
        let error = apply(&world.root(), &patch.changes, view.blobs()).unwrap_err();
        assert!(matches!(&error, ApplyError::MovedOn { files, .. } if files.len() == 1), "{error}");
        assert_eq!(error.to_string(), format!("{told} changed since the run began; nothing was applied"));
        assert!(error.hint().contains("kcode apply --3way"));
        assert_eq!(everything(&world.root()), before, "{told}");
    }
}

#[test]
fn a_failure_half_way_is_rolled_back() {
    let (world, view, mut patch) = changed();
    // No view can hold this: a file and a file below it. The second can't be placed, after all others were.
    let after = patch.changes.entries.iter().find_map(|entry| entry.after);
    for name in ["x", "x/y"] {
        patch.changes.entries.push(ChangedFile { path: path(name), before: None, after });
    }
    let before = everything(&world.root());
    let error = apply(&world.root(), &patch.changes, view.blobs()).unwrap_err();
    assert!(matches!(error, ApplyError::Write { .. }), "{error}");
    assert_eq!(everything(&world.root()), before);
}

#[test]
fn permissions_beyond_the_executable_bit_are_the_users() {
    let world = World::new();
    for (name, mode) in [("private", 0o600), ("script", 0o750)] {
        world.write(name, "one\n");
        set_mode(&world.root().join(name), mode);
    }
    let view = world.view();
    write(&view.root().join("private"), b"two\n");
    set_mode(&view.root().join("private"), 0o755);
    write(&view.root().join("script"), b"two\n");
    let patch = full_patch(&view);
    apply(&world.root(), &patch.changes, view.blobs()).unwrap();
    let mode = |name: &str| fs::metadata(world.root().join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("private"), mode("script")), (0o700, 0o750));
    apply(&world.root(), &patch.changes.reversed(), view.blobs()).unwrap();
    assert_eq!((mode("private"), mode("script")), (0o600, 0o750));
}

#[test]
fn a_change_set_survives_the_disk_and_leads_back() {
    let (world, view, patch) = changed();
    let start = tree(&world.root());
    let file = world.run().join("changes.json");
    patch.changes.save(&file).unwrap();
    let blobs = view.blobs().clone();
    view.remove().unwrap();
    let changes = ChangeSet::load(&file).unwrap();
    assert_eq!(changes, patch.changes);
    apply(&world.root(), &changes, &blobs).unwrap();
    assert_ne!(tree(&world.root()), start);
    assert!(apply(&world.root(), &changes, &blobs).is_err(), "it applies once");
    apply(&world.root(), &changes.reversed(), &blobs).unwrap();
    assert_eq!(tree(&world.root()), start);
    assert!(!world.root().join("three").exists(), "folders made for it are gone too");
}

#[test]
fn other_versions_of_the_file_are_refused() {
    let world = World::new();
    let file = world.beside("changes.json");
    fs::write(&file, r#"{"schema":"kcode.changes/9","entries":[]}"#).unwrap();
    let error = ChangeSet::load(&file).unwrap_err();
    assert!(error.to_string().contains("kcode.changes/9"), "{error}");
}

#[test]
fn a_damaged_content_is_not_applied() {
    let (world, view, patch) = changed();
    let before = everything(&world.root());
    for blob in fs::read_dir(world.run().join("blobs")).unwrap() {
        fs::write(blob.unwrap().path(), "damaged").unwrap();
    }
    let error = apply(&world.root(), &patch.changes, view.blobs()).unwrap_err();
    assert!(matches!(error, ApplyError::Content { .. }), "{error}");
    assert_eq!(everything(&world.root()), before);
}

#[test]
fn a_change_of_gits_own_files_is_refused() {
    let (world, view, mut patch) = changed();
    let after = patch.changes.entries.iter().find_map(|entry| entry.after);
    patch.changes.entries.push(ChangedFile { path: path("sub/.Git/hooks/pre-commit"), before: None, after });
    let before = everything(&world.root());
    let error = apply(&world.root(), &patch.changes, view.blobs()).unwrap_err();
    assert!(matches!(error, ApplyError::OfGit(_)), "{error}");
    assert_eq!(everything(&world.root()), before);
}
