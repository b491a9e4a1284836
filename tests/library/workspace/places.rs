//! Opening a repository, wherever it is and whatever git keeps it in.

use std::fs;
use std::path::Path;

use kcode::workspace::{GitAccess, Repository, Touched, View};

use super::world::{World, everything, full_patch, git, git_apply, path, tree, write};

/// Edits `file` in a view of the project and checks the patch on a copy of the project.
fn round_trip(world: &World, file: &str) {
    let before = everything(&world.root());
    let view = world.view();
    assert!(view.root().join(file).exists(), "{file} is in the view");
    write(&view.root().join(file), b"edited\0binary\n");
    let patch = view.patch(Touched::Paths(&[path(file)])).unwrap();
    let copy = world.copy_of_project("copy");
    git_apply(&copy, &patch).unwrap();
    let (patched, wanted) = (tree(&copy), tree(view.root()));
    for (name, file) in &wanted {
        assert_eq!(patched.get(name), Some(file), "{}", String::from_utf8_lossy(name));
    }
    assert_eq!(everything(&world.root()), before, "the user's tree, index and refs are as they were");
    view.remove().unwrap();
}

#[test]
fn a_subfolder_opens_the_whole_project_and_remembers_the_folder() {
    let world = World::with_git();
    world.write("src/deep/a.txt", "one\n");
    world.commit_all();
    let repository = Repository::open(&world.root().join("src/deep")).unwrap();
    assert_eq!(repository.root(), fs::canonicalize(world.root()).unwrap());
    assert_eq!(repository.focus(), Some(&path("src/deep")));
    let head = repository.head().unwrap();
    assert_eq!(head.branch.as_deref(), Some("main"));
    assert_eq!(head.commit.unwrap(), world.git(&["rev-parse", "HEAD"]).trim());
    assert_eq!(world.repository().focus(), None);
}

#[test]
fn an_unborn_branch_has_no_commit_but_a_name() {
    let world = World::with_git();
    world.write("a.txt", "one\n");
    let head = world.repository().head().unwrap();
    assert_eq!((head.commit, head.branch.as_deref()), (None, Some("main")));
    round_trip(&world, "a.txt");
}

#[test]
fn a_detached_head_has_no_branch() {
    let world = World::with_git();
    world.commit_all();
    world.git(&["checkout", "-q", "--detach"]);
    let head = world.repository().head().unwrap();
    assert!(head.commit.is_some() && head.branch.is_none());
}

#[test]
fn a_folder_without_git_is_still_a_project() {
    let world = World::new();
    world.write("a.txt", "one\n");
    world.write(".gitignore", "ignored\n");
    world.write("ignored", "not copied\n");
    assert_eq!((world.repository().git(), world.repository().head()), (GitAccess::None, None));
    let outline = world.repository().outline_paths(10);
    assert_eq!(outline.paths().collect::<Vec<_>>(), [".gitignore", "a.txt"]);
    assert!(!outline.tracked && outline.complete);
    assert!(!world.repository().outline_paths(1).complete);
    round_trip(&world, "a.txt");
}

#[test]
fn a_folder_whose_git_is_broken_is_still_a_project() {
    let world = World::new();
    world.write("src/a.txt", "one\n");
    world.write(".git", "gitdir: /nowhere/at/all\n");
    let repository = Repository::open(&world.root().join("src")).unwrap();
    assert_eq!((repository.git(), repository.root()), (GitAccess::None, &*fs::canonicalize(world.root()).unwrap()));
}

#[test]
fn a_linked_worktree_is_its_own_project() {
    let world = World::with_git();
    world.write("a.txt", "one\n");
    world.write(".git/info/exclude", "private.log\n");
    world.commit_all();
    world.git(&["worktree", "add", "-q", "-b", "side", "../linked"]);
    let linked = world.beside("linked");
    write(&linked.join("private.log"), b"mine");
    let repository = Repository::open(&linked).unwrap();
    assert_eq!(repository.root(), fs::canonicalize(&linked).unwrap());
    assert_eq!(repository.head().unwrap().branch.as_deref(), Some("side"));
    let before = (everything(&world.root()), everything(&linked));
    let view = View::create(&repository, &world.run(), &[]).unwrap();
    assert!(!view.root().join("private.log").exists() && !view.root().join(".git").exists());
    write(&view.root().join("a.txt"), b"two\n");
    write(&view.root().join("private.log"), b"of a test");
    let patch = full_patch(&view);
    assert_eq!(patch.files.len(), 1, "the clone's own ignore rules hold in the view: {:?}", patch.files);
    assert_eq!((everything(&world.root()), everything(&linked)), before);
    git_apply(&linked, &patch).unwrap();
    assert_eq!(fs::read(linked.join("a.txt")).unwrap(), b"two\n");
}

#[test]
fn files_of_submodules_and_nested_repositories_are_in_the_view() {
    let world = World::with_git();
    let library = world.beside("library");
    write(&library.join("lib.txt"), b"library\n");
    write(&library.join(".gitignore"), b"*.gen\n");
    write(&library.join("tracked.gen"), b"tracked although ignored\n");
    git(&library, &["init", "-q"]).unwrap();
    git(&library, &["add", "-A", "-f"]).unwrap();
    git(&library, &["commit", "-q", "-m", "start"]).unwrap();
    world.git(&["submodule", "--quiet", "add", library.to_str().unwrap(), "sub"]);
    world.write("a.txt", "one\n");
    world.commit_all();
    world.write("sub/lib.txt", "dirty\n");
    world.write("sub/untracked.txt", "new\n");
    world.write("sub/untracked.gen", "ignored\n");
    let view = world.view();
    let expected: Vec<&[u8]> =
        vec![b".gitmodules", b"a.txt", b"sub/.gitignore", b"sub/lib.txt", b"sub/tracked.gen", b"sub/untracked.txt"];
    assert_eq!(tree(view.root()).keys().map(Vec::as_slice).collect::<Vec<_>>(), expected);
    view.remove().unwrap();
    round_trip(&world, "sub/lib.txt");
}

fn with_format(arguments: &[&str]) -> Option<World> {
    let world = World::new();
    // Older versions of git don't know the format: then there is nothing to test.
    git(&world.root(), &[&["init", "-q", "-b", "main"], arguments].concat()).ok()?;
    world.write("a.txt", "one\n");
    world.write("b c.txt", "two\n");
    world.commit_all();
    Some(world)
}

#[test]
fn formats_that_only_the_command_opens_work_too() {
    for arguments in [["--object-format=sha256"], ["--ref-format=reftable"]] {
        let Some(world) = with_format(&arguments) else { continue };
        let repository = world.repository();
        assert_eq!(repository.git(), GitAccess::Command, "{arguments:?}");
        let head = repository.head().unwrap();
        assert_eq!(head.branch.as_deref(), Some("main"), "{arguments:?}");
        assert_eq!(head.commit.unwrap(), world.git(&["rev-parse", "HEAD"]).trim());
        let outline = repository.outline_paths(10);
        assert_eq!(outline.paths().collect::<Vec<_>>(), ["a.txt", "b c.txt"]);
        round_trip(&world, "a.txt");
        let bare = world.beside("bare");
        fs::create_dir(&bare).unwrap();
        git(&bare, &["init", "-q", "--bare", arguments[0]]).unwrap();
        let error = Repository::open(&bare).unwrap_err();
        assert!(error.to_string().contains("bare"), "{arguments:?}: {error}");
        let inside = Repository::open(&world.root().join(".git")).unwrap_err();
        assert!(inside.to_string().contains("inside git's own folder"), "{arguments:?}: {inside}");
    }
}

#[test]
fn indexes_that_libgit2_refuses_are_read_by_the_command() {
    for arguments in [&["sparse-checkout", "set", "--sparse-index", "kept"][..], &["update-index", "--split-index"]] {
        let world = World::with_git();
        world.write("kept/a.txt", "one\n");
        world.write("away/b.txt", "two\n");
        world.commit_all();
        world.git(arguments);
        let outline = world.repository().outline_paths(10);
        assert!(outline.tracked && outline.paths().any(|path| path == "kept/a.txt"), "{arguments:?}: {outline:?}");
        round_trip(&world, "kept/a.txt");
    }
}

#[test]
fn dirty_files_are_told_without_touching_the_index() {
    let world = World::with_git();
    for name in ["changed", "gone", "same"] {
        world.write(name, "one\n");
    }
    world.commit_all();
    world.write("changed", "two\n");
    world.write("folder/new", "new\n");
    fs::remove_file(world.root().join("gone")).unwrap();
    let before = everything(&world.root());
    let repository = world.repository();
    let outline = repository.outline_paths(100);
    let (files, more) = repository.changes(&outline, 100).unwrap();
    let told: Vec<_> = files.iter().map(|file| (file.status.as_str(), file.path.as_str())).collect();
    assert_eq!(told, [(".M", "changed"), (".D", "gone"), ("??", "folder/")]);
    assert!(!more && repository.changes(&outline, 1).unwrap().1);
    assert_eq!(everything(&world.root()), before);
}

#[test]
fn nothing_that_a_repository_configures_runs() {
    let world = World::with_git();
    world.write("a.txt", "one\n");
    world.write(".gitattributes", "*.txt filter=evil diff=evil\n");
    world.commit_all();
    let trap = format!("touch {}; cat", world.beside("sprung").display());
    let settings = ["filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "core.fsmonitor", "diff.external"];
    for setting in settings {
        world.git(&["config", setting, &trap]);
    }
    // Another size and time: git would have to filter the file to know whether it changed.
    world.write("a.txt", "three\n");
    let repository = world.repository();
    assert!(repository.changes(&repository.outline_paths(9), 9).is_some());
    let view = world.view();
    write(&view.root().join("a.txt"), b"edited\n");
    assert_eq!(full_patch(&view).files.len(), 1);
    assert!(!world.beside("sprung").exists());
}

#[test]
fn refusals_say_what_to_do() {
    let error = Repository::open(Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "/ is the whole file system; kcode does not work on it");
    assert!(error.hint().contains("-C"));
    let error = Repository::open(Path::new("/no/such/folder")).unwrap_err();
    assert_eq!(error.to_string(), "/no/such/folder does not exist");
}
