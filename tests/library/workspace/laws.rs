//! Over generated trees: the patch passes `git apply --check` at the start, applying it gives the view
//! byte for byte and mode for mode, and so do `apply` and the way back.

use std::fs;
use std::path::Path;

use kcode::workspace::{Touched, apply};
use proptest::collection::vec;
use proptest::prelude::*;

use super::world::{World, full_patch, git_apply, link, path, set_mode, tree, write};

/// What a file holds.
#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    Link(String),
}

/// What is done to the view.
#[derive(Clone, Debug)]
enum Change {
    Write(usize, Content),
    Delete(usize),
    Rename(usize, usize),
    Mode(usize, bool),
}

/// Names with all that git quotes; some are a folder in one and a file in another.
const NAMES: [&str; 14] = [
    "plain.txt",
    "with space.rs",
    "quote\"d",
    "back\\slash",
    "tab\there",
    "ünïcode/ño.txt",
    "new\nline",
    "dir/one",
    "dir/two",
    "dir/deep/three",
    "swap",
    "swap/inner",
    " lead and trail ",
    "a/b/c/d",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "[a-c]{0,3}",
        Just("--- a/x".to_owned()),
        Just("+++ b/x".to_owned()),
        Just("@@ -1 +1 @@".to_owned()),
        Just("\\ No newline at end of file".to_owned()),
        Just("naïve".to_owned()),
    ];
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let lines = vec((line, end), 0..12);
    (lines, any::<bool>()).prop_map(|(lines, final_newline)| {
        let mut text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        if !final_newline {
            text.truncate(text.trim_end().len());
        }
        text.into_bytes()
    })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        5 => text().prop_map(Content::Bytes),
        2 => vec(any::<u8>(), 0..300).prop_map(|mut bytes| {
            bytes.push(0);
            Content::Bytes(bytes)
        }),
        // No loops: where a folder takes the place of a looping link, git itself can't apply its own patch.
        1 => prop_oneof![Just("a/b"), Just("../outside"), Just("/etc/hostname"), Just("no such")]
            .prop_map(|target| Content::Link(target.to_owned())),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let name = 0..NAMES.len();
    prop_oneof![
        4 => (name.clone(), content()).prop_map(|(name, content)| Change::Write(name, content)),
        2 => name.clone().prop_map(Change::Delete),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (name, any::<bool>()).prop_map(|(name, executable)| Change::Mode(name, executable)),
    ]
}

/// Removes what is at `path`; also a file that stands where `path` needs a folder.
fn clear(root: &Path, name: &str) {
    let full = root.join(name);
    for parent in full.ancestors().skip(1).take_while(|parent| *parent != root) {
        if parent.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()) {
            fs::remove_file(parent).unwrap();
        }
    }
    match full.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(full).unwrap(),
        Ok(_) => fs::remove_file(full).unwrap(),
        Err(_) => {}
    }
}

fn put(root: &Path, path: &str, content: &Content) {
    clear(root, path);
    match content {
        Content::Bytes(bytes) => write(&root.join(path), bytes),
        Content::Link(target) => link(target, &root.join(path)),
    }
}

fn carry_out(root: &Path, change: &Change) {
    let is_file = |path: &str| {
        let full = root.join(path);
        let real = full
            .ancestors()
            .skip(1)
            .take_while(|parent| *parent != root)
            .all(|parent| parent.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()));
        real && full.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir())
    };
    match change {
        Change::Write(name, content) => put(root, NAMES[*name], content),
        Change::Delete(name) if is_file(NAMES[*name]) => clear(root, NAMES[*name]),
        Change::Rename(from, to) if from != to && is_file(NAMES[*from]) => {
            let aside = root.join("aside");
            fs::rename(root.join(NAMES[*from]), &aside).unwrap();
            clear(root, NAMES[*to]);
            let target = root.join(NAMES[*to]);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::rename(aside, target).unwrap();
        }
        Change::Mode(name, executable) if is_file(NAMES[*name]) => {
            let path = root.join(NAMES[*name]);
            if !path.is_symlink() {
                set_mode(&path, if *executable { 0o755 } else { 0o644 });
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_leads_from_the_start_to_the_view_and_back(
        start in vec((0..NAMES.len(), content(), any::<bool>()), 0..10),
        changes in vec(change(), 1..10),
        committed in any::<bool>(),
    ) {
        let world = World::with_git();
        for (name, content, executable) in &start {
            put(&world.root(), NAMES[*name], content);
            carry_out(&world.root(), &Change::Mode(*name, *executable));
        }
        if committed {
            world.commit_all();
        }
        let before = tree(&world.root());
        let view = world.view();
        prop_assert_eq!(&tree(view.root()), &before);
        for change in &changes {
            carry_out(view.root(), change);
        }
        let wanted = tree(view.root());
        let touched = view.patch(Touched::Paths(&NAMES.map(path))).unwrap();
        let patch = full_patch(&view);
        prop_assert_eq!(&touched.bytes, &patch.bytes);
        prop_assert_eq!(&patch.left_out, &[]);
        prop_assert_eq!(patch.sha256.is_some(), wanted != before);

        // With git's own hands.
        let copy = world.copy_of_project("copy");
        if wanted != before {
            let applied = git_apply(&copy, &patch);
            prop_assert!(applied.is_ok(), "{:?}\n{}", applied, String::from_utf8_lossy(&patch.bytes));
        }
        prop_assert_eq!(&tree(&copy), &wanted);

        // With ours, there and back.
        apply(&world.root(), &patch.changes, view.blobs()).unwrap();
        prop_assert_eq!(&tree(&world.root()), &wanted);
        apply(&world.root(), &patch.changes.reversed(), view.blobs()).unwrap();
        prop_assert_eq!(&tree(&world.root()), &before);
    }
}
