//! A tree whose git is elsewhere: used where that knows of the tree, else not, and told how it would be.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::kimi::MockKimi;
use crate::world::{World, mender};

/// Runs, and returns what was sent first and what people were told.
fn fixed(world: &World) -> (String, String) {
    let kimi = mender();
    let ran = world.fix(&kimi, &["--no-baseline"]).code(0);
    (sent(&kimi), ran.stderr())
}

fn sent(kimi: &MockKimi) -> String {
    String::from_utf8(kimi.requests()[0].body.clone()).unwrap()
}

#[test]
fn a_git_folder_apart_is_used_once_it_names_the_tree() {
    let world = World::new();
    let apart = world.path("apart");
    world.git(&["init", "-q", "--separate-git-dir", apart.to_str().unwrap()]);
    let (sent, told) = fixed(&world);
    assert!(sent.contains("Git: none"), "{sent}");
    assert!(told.contains("doesn't know this folder") && told.contains("git config core.worktree"), "{told}");

    world.git(&["config", "core.worktree", world.root().to_str().unwrap()]);
    fs::remove_dir_all(world.state()).unwrap();
    let (sent, told) = fixed(&world);
    assert!(sent.contains("Git: branch main"), "{sent}");
    assert!(!told.contains("doesn't know"), "{told}");
}

#[test]
fn a_link_to_a_git_folder_is_used_once_that_names_the_tree() {
    let world = World::new();
    let apart = world.path("apart");
    fs::rename(world.root().join(".git"), &apart).unwrap();
    symlink(&apart, world.root().join(".git")).unwrap();
    let (sent, told) = fixed(&world);
    assert!(sent.contains("Git: none"), "{sent}");
    assert!(told.contains("doesn't know this folder"), "{told}");

    world.git(&["config", "core.worktree", world.root().to_str().unwrap()]);
    fs::remove_dir_all(world.state()).unwrap();
    assert!(fixed(&world).0.contains("Git: branch main"));
}

#[test]
fn a_clone_that_borrows_objects_works_without_naming_changed_files() {
    let world = World::new();
    let source = world.path("source");
    fs::rename(world.root(), &source).unwrap();
    world.git_in(&source, &["clone", "-q", "--shared", source.to_str().unwrap(), world.root().to_str().unwrap()]);
    world.git(&["config", "user.name", "Ada"]);
    world.git(&["config", "user.email", "ada@example.org"]);
    let before = world.git(&["rev-parse", "HEAD"]);
    let (sent, _) = fixed(&world);
    assert!(sent.contains("Git: branch main"), "{sent}");
    world.run_freely(world.kcode(&["apply", "--commit"])).code(0);
    assert_eq!(world.git(&["rev-parse", "HEAD~1"]), before);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
