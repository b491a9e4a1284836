//! A tree whose git is elsewhere: used where that knows of the tree, else not, and told how it would be.

use std::fs;
use std::os::unix::fs::symlink;

use crate::ran::Ran;
use crate::support::kimi::MockKimi;
use crate::support::skipped::{Need, skipped};
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

/// A test that passes on the repaired project if git can show its last commit.
const ASKS_GIT: &str =
    "grep -q 'Hello, World!' greeting.txt && git log -1 --format=%s && git status --short && echo 'ok 1 - git'";

/// Whether the view of a run is an overlay, in which there is a `.git`.
fn is_overlay(ran: &Ran) -> bool {
    let layers = ran.report()["wall"]["layers"].as_array().unwrap().clone();
    layers.iter().any(|layer| layer["name"] == "overlay" && layer["holds"] == true)
}

#[test]
fn tests_find_git_in_a_folder_apart_that_names_the_tree() {
    for by_link in [false, true] {
        let world = World::new();
        world.write_test(ASKS_GIT);
        world.commit_all();
        let apart = world.path("apart");
        if by_link {
            fs::rename(world.root().join(".git"), &apart).unwrap();
            symlink(&apart, world.root().join(".git")).unwrap();
        } else {
            world.git(&["init", "-q", "--separate-git-dir", apart.to_str().unwrap()]);
        }
        let ran = world.fix(&mender(), &["--no-baseline"]);
        assert!(ran.stderr().contains("git config core.worktree"), "{}", ran.stderr());
        if is_overlay(&ran) {
            let log = ran.kept().read("logs/tests-1.log");
            assert!(log.contains("not a git repository"), "{log}");
        }
        world.git(&["config", "core.worktree", world.root().to_str().unwrap()]);
        fs::remove_dir_all(world.state()).unwrap();
        let ran = world.fix(&mender(), &["--no-baseline"]);
        if is_overlay(&ran) {
            let log = ran.code(0).kept().read("logs/tests-1.log");
            assert!(log.contains("ok 1 - git") && log.contains("start"), "{log}");
        }
    }
}

#[test]
fn borrowed_objects_are_named_and_the_remedy_helps() {
    let world = World::new();
    world.write_test(ASKS_GIT);
    world.commit_all();
    let source = world.path("source");
    fs::rename(world.root(), &source).unwrap();
    world.git_in(&source, &["clone", "-q", "--shared", source.to_str().unwrap(), world.root().to_str().unwrap()]);
    let objects = source.join(".git/objects");
    let ran = world.fix(&mender(), &["--no-baseline"]);
    if !is_overlay(&ran) {
        skipped(Need::Overlay);
        return;
    }
    let told = ran.stderr();
    assert!(told.contains(&format!("borrows some from {}", objects.display())), "{told}");
    assert!(told.contains("git repack -a -d") && told.contains("shows git no whole repository"), "{told}");
    assert!(!ran.kept().read("logs/tests-1.log").contains("ok 1 - git"));

    world.git(&["repack", "-a", "-d", "-q"]);
    fs::remove_file(world.root().join(".git/objects/info/alternates")).unwrap();
    fs::remove_dir_all(world.state()).unwrap();
    let ran = world.fix(&mender(), &["--no-baseline"]).code(0);
    assert!(!ran.stderr().contains("borrows some"), "{}", ran.stderr());
    assert!(ran.kept().read("logs/tests-1.log").contains("ok 1 - git"));
}

#[test]
fn a_mirror_that_objects_are_borrowed_from_is_shown_by_the_users_settings() {
    let world = World::new();
    world.write_test(ASKS_GIT);
    world.commit_all();
    let mirror = world.path("mirror.git");
    world.git(&["clone", "-q", "--bare", ".", mirror.to_str().unwrap()]);
    fs::remove_dir_all(world.root()).unwrap();
    let home = world.path("home");
    world.git_in(&home, &["clone", "-q", "--shared", mirror.to_str().unwrap(), world.root().to_str().unwrap()]);
    world.configure(&format!("readable = [{:?}]", mirror.join("objects").to_str().unwrap()));
    let ran = world.fix(&mender(), &["--no-baseline"]);
    if is_overlay(&ran) {
        assert!(!ran.stderr().contains("borrows some"), "{}", ran.stderr());
        assert!(ran.code(0).kept().read("logs/tests-1.log").contains("ok 1 - git"));
    }
}

#[test]
fn what_a_repository_calls_borrowed_objects_is_no_place_that_anybody_is_told_to_show() {
    let world = World::new();
    let secrets = world.path("home/.ssh");
    fs::create_dir_all(secrets.join("objects/pack")).unwrap();
    fs::write(secrets.join("id_ed25519"), "secret").unwrap();
    let (named, looks_so) =
        (secrets.to_str().unwrap().to_owned(), secrets.join("objects").to_str().unwrap().to_owned());
    world.write(".git/objects/info/alternates", format!("{named}\n{looks_so}\n../../../home/.ssh\n"));
    world.write_test(&format!("! ls {named} && grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'"));
    let ran = world.fix(&mender(), &["--no-baseline"]).code(0);
    assert!(!ran.stderr().contains("readable"), "{}", ran.stderr());
}
