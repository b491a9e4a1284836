//! The view as an overlay: the patch that comes out of it, and a user who goes on working below.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use kcode::journal::ChangeKind;
use kcode::workspace::{ApplyError, ChangeSet, LeftOutReason, NoOverlay, Overlay, Patch, Touched, View, apply};
use proptest::collection::vec;
use proptest::prelude::*;

use super::overlaid::{Overlaid, sh_in_copy};
use super::world::{World, everything, full_patch, git, git_apply, link, path, set_mode, tree, write};
use crate::support::skipped::{Need, skipped};

/// What is in a patch, a word for the kind and the path.
fn told(patch: &Patch) -> Vec<String> {
    let kind = |kind: &ChangeKind| match kind {
        ChangeKind::Added => "added".to_owned(),
        ChangeKind::Deleted => "deleted".to_owned(),
        ChangeKind::Modified => "modified".to_owned(),
        ChangeKind::ModeChanged => "mode".to_owned(),
        ChangeKind::Renamed { from } => format!("from {from}:"),
    };
    patch.files.iter().map(|file| format!("{} {}", kind(&file.kind), file.path)).collect()
}

fn left_out(patch: &Patch) -> Vec<(&str, LeftOutReason)> {
    patch.left_out.iter().map(|left| (left.path.as_str(), left.reason)).collect()
}

/// A project with some of everything.
fn project() -> World {
    let world = World::with_git();
    world.write(".gitignore", "*.log\n/out/\n");
    for name in ["a", "b", "gone", "dir/one", "dir/two", "dir/deep/three", "file", "tracked.log"] {
        world.write(name, format!("{name}\n"));
    }
    set_mode(&world.root().join("b"), 0o755);
    link("a", &world.root().join("link"));
    world.commit_all();
    world.write("b", "dirty\n");
    world.write("untracked", "mine\n");
    world
}

/// Changes of every kind that a shell knows.
const CHANGES: [&str; 24] = [
    "echo more >> a",
    "rm gone",
    "chmod 644 b",
    "mv a moved",
    "rm -r dir",
    "rm -r dir; mkdir dir; echo new > dir/one",
    "rm -r dir; echo file > dir",
    "rm file; mkdir file; echo x > file/inner",
    "mv dir aside",
    "mv dir/deep dir/deeper; rm dir/one",
    "mkdir -p new/deep; echo n > new/deep/n",
    "echo log > new.log; echo changed > tracked.log",
    "mkdir out; echo built > out/x",
    "rm link; ln -s b link",
    "ln -sf b a",
    "ln -s nowhere dangling",
    "rm untracked",
    "echo theirs > untracked; mv untracked dir/untracked",
    "cp a c; rm a; cp c a; rm c",
    "touch a; chmod 755 a; chmod 644 a",
    "echo '!*.log' > .gitignore; echo y > y.log",
    "rm .gitignore; echo z > z.log",
    "mkdir -p __pycache__ node_modules/m; echo c > __pycache__/c.pyc; echo m > node_modules/m/m; rm -r node_modules",
    "mkfifo a.pipe; rm b; mkfifo b",
];

/// Does the same to an overlay and to a copy, and compares what comes of it.
fn compare_with_a_copy(change: &str) {
    let (world, other) = (project(), project());
    let before = everything(&world.root());
    let Some(overlaid) = Overlaid::over(&world) else { return };
    overlaid.sh(change);
    let copy = other.view();
    sh_in_copy(&copy, change);
    let (patch, wanted) = (full_patch(&overlaid.view), full_patch(&copy));
    let show = |patch: &Patch| String::from_utf8_lossy(&patch.bytes).into_owned();
    assert_eq!(show(&patch), show(&wanted), "{change}");
    assert_eq!((patch.changes, &patch.left_out), (wanted.changes, &wanted.left_out), "{change}");
    // Asked again, it says the same.
    assert_eq!(full_patch(&overlaid.view).bytes, patch.bytes, "{change}");
    assert_eq!(everything(&world.root()), before, "{change}: the user's tree is as it was");
    drop(overlaid);
}

#[test]
fn an_overlay_gives_the_patch_that_a_copy_gives() {
    for change in CHANGES {
        compare_with_a_copy(change);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn and_so_after_several_changes(picks in vec(0..CHANGES.len(), 2..7)) {
        compare_with_a_copy(&picks.iter().map(|pick| CHANGES[*pick]).collect::<Vec<_>>().join("; "));
    }
}

#[test]
fn the_patch_leads_from_the_tree_to_what_the_view_showed() {
    let world = project();
    let Some(overlaid) = Overlaid::over(&world) else { return };
    let script = "rm -r dir; echo d > dir; mkdir new; echo n > new/n; mv a moved; chmod 755 moved; cat moved dir new/n";
    let shown = overlaid.sh(script);
    let patch = full_patch(&overlaid.view);
    let copy = world.copy_of_project("copy");
    git_apply(&copy, &patch).unwrap();
    let read = |name: &str| fs::read_to_string(copy.join(name)).unwrap();
    assert_eq!(read("moved") + &read("dir") + &read("new/n"), shown);
    apply(&world.root(), &patch.changes, overlaid.view.blobs()).unwrap();
    assert_eq!(tree(&world.root()), tree(&copy));
}

#[test]
fn what_git_ignores_is_there_and_never_in_the_patch_unless_a_tool_writes_it() {
    let world = project();
    world.write("out/deep/x", "warm\n");
    world.write("node_modules/m/index.js", "module\n");
    world.write("a.log", "log\n");
    world.write("settings.log", "old\n");
    let Some(overlaid) = Overlaid::over(&world) else { return };
    let log = overlaid
        .sh("cat out/deep/x node_modules/m/index.js a.log; echo more >> out/deep/x; rm -r node_modules; rm a.log; \
         mkdir out/new; echo x > out/new/x; echo x > new.log; echo new > settings.log; echo kept > a");
    assert_eq!(log, "warm\nmodule\nlog\n");
    assert_eq!(told(&full_patch(&overlaid.view)), ["modified a"]);
    // Written by name, it counts.
    let named = overlaid.view.patch(Touched::Paths(&[path("settings.log"), path("new.log")])).unwrap();
    assert_eq!(told(&named), ["modified a", "added new.log", "modified settings.log"]);
    assert_eq!(told(&full_patch(&overlaid.view)), told(&named));
    assert_eq!(left_out(&named), []);
}

#[test]
fn making_an_overlay_copies_nothing() {
    let world = project();
    let Some(overlaid) = Overlaid::over(&world) else { return };
    overlaid.sh("find . -type f -exec cat {} + > /dev/null; ls -lR > /dev/null; test -x b");
    assert_eq!(fs::read_dir(world.run().join("overlay/upper")).unwrap().count(), 0);
    assert_eq!((overlaid.view.made().files, overlaid.view.made().bytes), (0, 0));
    assert!(full_patch(&overlaid.view).sha256.is_none());
}

#[test]
fn nothing_is_left_of_an_overlay() {
    let world = project();
    let Some(mut overlaid) = Overlaid::over(&world) else { return };
    overlaid
        .sh("mkdir locked; echo x > locked/x; chmod 000 locked; chmod 555 dir; rm -r dir/deep; echo x >> a; mkfifo p");
    overlaid.stop();
    View::discard(&world.run()).unwrap();
    for folder in ["overlay", "view"] {
        assert!(!world.run().join(folder).exists(), "{folder}");
    }
}

#[test]
fn what_a_killed_run_left_can_be_removed() {
    let world = project();
    let Some(mut overlaid) = Overlaid::over(&world) else { return };
    overlaid.sh("echo x >> a; rm -r dir");
    overlaid.stop();
    assert!(world.run().join("overlay/upper/a").exists());
    View::discard(&world.run()).unwrap();
    assert!(!world.run().join("overlay").exists() && !world.run().join("view").exists());
    assert!(Overlaid::over(&world).is_some(), "and another one can be made in its place");
}

#[test]
fn a_file_that_user_and_command_both_changed_is_named_and_never_reversed() {
    let world = project();
    let Some(overlaid) = Overlaid::over(&world) else { return };
    world.write("a", "the user's\n");
    fs::remove_file(world.root().join("dir/one")).unwrap();
    world.write("new", "the user's\n");
    // Each of them stands in the view as the user left it, or hides what the user did.
    overlaid.sh("echo command >> a; mkdir -p dir; echo command > dir/one; echo command > new; echo command >> b");
    let patch = full_patch(&overlaid.view);
    assert_eq!(told(&patch), ["modified b"]);
    let gone = LeftOutReason::StartGone;
    assert_eq!(left_out(&patch), [("a", gone), ("dir/one", gone), ("new", gone)]);
    apply(&world.root(), &patch.changes, overlaid.view.blobs()).unwrap();
    assert_eq!(fs::read_to_string(world.root().join("a")).unwrap(), "the user's\n");
    assert!(!world.root().join("dir/one").exists());
}

#[test]
fn what_was_seen_before_the_user_changed_it_is_the_start() {
    let world = project();
    let Some(overlaid) = Overlaid::over(&world) else { return };
    overlaid.sh("echo command >> a; rm gone");
    let patch = full_patch(&overlaid.view);
    world.write("a", "the user's\n");
    assert_eq!(full_patch(&overlaid.view).bytes, patch.bytes);
    let refused = apply(&world.root(), &patch.changes, overlaid.view.blobs()).unwrap_err();
    let ApplyError::MovedOn { files, .. } = &refused else { panic!("{refused}") };
    assert_eq!(files[0].path, path("a"));
    assert!(world.root().join("gone").exists());
}

#[test]
fn a_tool_edits_what_the_user_has_just_written() {
    let world = project();
    let Some(overlaid) = Overlaid::over(&world) else { return };
    world.write("a", "the user's\n");
    overlaid.view.keep(&path("a")).unwrap();
    overlaid.view.keep(&path("new")).unwrap();
    overlaid.sh("echo tool >> a; echo tool > new");
    let patch = overlaid.view.patch(Touched::Paths(&[path("a"), path("new")])).unwrap();
    assert_eq!((told(&patch), left_out(&patch)), (vec!["modified a".to_owned(), "added new".to_owned()], vec![]));
    apply(&world.root(), &patch.changes, overlaid.view.blobs()).unwrap();
    assert_eq!(fs::read_to_string(world.root().join("a")).unwrap(), "the user's\ntool\n");
}

#[test]
fn a_run_that_goes_on_finds_its_changes() {
    let world = project();
    let script = "echo more >> a; chmod 755 a; rm gone link; rm -r dir; echo d > dir; rm file; mkdir file; echo x > file/x; \
                  mkdir -p new/deep; ln -s ../a new/deep/l; echo s > b";
    let shown = "stat -c '%n %a %F' a b file/x; cat a b dir file/x; readlink new/deep/l; ls -A . new";
    let Some(first) = Overlaid::over(&world) else { return };
    first.sh(script);
    let (patch, wanted) = (full_patch(&first.view), first.sh(shown));
    drop(first);
    assert!(patch.left_out.is_empty() && patch.files.len() > 8, "{:?}", told(&patch));

    let before = everything(&world.root());
    let second = Overlaid::with(&world, patch.changes.clone()).unwrap();
    assert_eq!(second.sh(shown), wanted);
    assert_eq!(full_patch(&second.view).bytes, patch.bytes);
    second.sh("rm a");
    assert!(told(&full_patch(&second.view)).contains(&"deleted a".to_owned()));
    assert_eq!(everything(&world.root()), before);
    drop(second);

    world.write("a", "moved on\n");
    let refused = Overlay::prepare(&world.repository(), &world.run(), patch.changes).err().unwrap();
    assert!(matches!(refused, NoOverlay::Changes(ApplyError::MovedOn { .. })), "{refused}");
    assert!(!world.run().join("overlay").exists());
}

#[test]
fn a_linked_worktree_and_submodules_have_their_git_and_keep_it() {
    let world = project();
    world.git(&["worktree", "add", "-q", "../linked"]);
    let linked = world.beside("linked");
    let inner = world.beside("inner");
    fs::create_dir(&inner).unwrap();
    git(&inner, &["init", "-q"]).unwrap();
    write(&inner.join("sub-file"), b"sub\n");
    git(&inner, &["add", "."]).unwrap();
    git(&inner, &["commit", "-q", "-m", "start"]).unwrap();
    git(&linked, &["submodule", "add", "-q", inner.to_str().unwrap(), "sub"]).unwrap();
    git(&linked, &["commit", "-q", "-m", "submodule"]).unwrap();
    let before = (everything(&world.root()), everything(&linked));

    let world = world.focused_on("linked");
    let Some(overlaid) = Overlaid::over(&world) else { return };
    let log = overlaid.sh("export GIT_CONFIG_GLOBAL=/dev/null; git log --format=%s -1; git -C sub log --format=%s; \
         git commit -q --allow-empty -m no 2> /dev/null || echo refused; rm -f .git 2> /dev/null || echo kept; \
         echo more >> sub/sub-file; echo new > sub/new; mkdir sub/.git2; git status --porcelain");
    assert_eq!(log, "submodule\nstart\nrefused\nkept\n M sub\n");
    assert_eq!(told(&full_patch(&overlaid.view)), ["added sub/new", "modified sub/sub-file"]);
    drop(overlaid);
    let world = world.focused_on("project");
    assert_eq!((everything(&world.root()), everything(&linked)), before);
}

#[test]
fn a_project_on_another_file_system_than_the_run() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skipped(Need::Other("a folder /dev/shm that can be written"));
    };
    let world = project();
    assert_ne!(fs::metadata(memory.path()).unwrap().dev(), fs::metadata(world.root()).unwrap().dev());
    let moved = memory.path().join("on memory, with a comma");
    let status = std::process::Command::new("cp").arg("-a").arg(world.root()).arg(&moved).status().unwrap();
    assert!(status.success());
    let world = world.focused_on(moved.to_str().unwrap());
    let Some(overlaid) = Overlaid::over(&world) else { return };
    overlaid.sh("echo more >> a; rm -r dir; mkdir dir; echo x > dir/x");
    let patch = full_patch(&overlaid.view);
    assert_eq!(
        told(&patch),
        ["modified a", "deleted dir/deep/three", "deleted dir/one", "deleted dir/two", "added dir/x"]
    );
    drop(overlaid);
}

#[test]
fn files_of_others_are_left_to_the_copy() {
    let world = project();
    let file = world.root().join("a");
    // Only root can give files away.
    if std::os::unix::fs::chown(&file, None, Some(12_345)).is_err() {
        skipped(Need::Root);
        return;
    }
    let refused = Overlay::prepare(&world.repository(), &world.run(), ChangeSet::new(Vec::new())).err().unwrap();
    assert!(matches!(&refused, NoOverlay::Foreign(path) if path.ends_with("a")), "{refused}");
    assert!(!world.run().join("overlay").exists());
}

#[test]
fn modes_of_folders_are_those_of_the_tree() {
    let world = project();
    set_mode(&world.root().join("dir"), 0o750);
    set_mode(&world.root(), 0o711);
    let Some(overlaid) = Overlaid::over(&world) else { return };
    assert_eq!(overlaid.sh("echo x >> dir/one; stat -c %a . dir"), "711\n750\n");
    assert_eq!(fs::metadata(world.root().join("dir")).unwrap().permissions().mode() & 0o777, 0o750);
}
