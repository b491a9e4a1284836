//! `kcode apply --index`, `--branch`, `--commit`: git is told of exactly what was applied, and of nothing else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, mknodat};

use crate::changes::{Sight, changed_run};
use crate::ran::Ran;
use crate::support::skipped::can_crash;
use crate::world::{World, mender};

const FLAGS: [&str; 3] = ["--commit", "--branch", "mended"];

/// A run that fixed the bug in a repository whose owner git knows, with a hook that would leave a trace.
fn mended() -> World {
    let world = World::new();
    identify(&world);
    world.fix(&mender(), &[]).code(0);
    world
}

fn identify(world: &World) {
    world.git(&["config", "user.name", "Ada"]);
    world.git(&["config", "user.email", "ada@example.org"]);
    world.git(&["config", "commit.gpgSign", "true"]);
    world.git(&["config", "gpg.program", "false"]);
    for hook in
        ["pre-commit", "commit-msg", "post-commit", "post-checkout", "reference-transaction", "post-index-change"]
    {
        let path = world.root().join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\ntouch '{}'; exit 1\n", world.path("hooked").display())).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
}

/// Git without those hooks: they shouldn't report what a test does itself.
fn git(world: &World, arguments: &[&str]) -> String {
    world.git(&[&["-c", "core.hooksPath=/dev/null"], arguments].concat())
}

fn applied(world: &World, flags: &[&str]) -> Ran {
    let ran = world.run_freely(world.kcode(&[&["apply"], flags].concat())).code(0);
    assert!(!world.path("hooked").exists(), "no hook runs");
    assert!(!world.root().join(".git/index.lock").exists());
    ran
}

#[test]
fn the_index_gets_the_patch_and_nothing_else() {
    let world = mended();
    world.write("docs/about.md", "mine\n");
    world.write(".gitignore", "mine, staged\n");
    git(&world, &["add", ".gitignore"]);
    applied(&world, &["--index"]).says(&["applied run ", "  staged", "kcode undo"]);
    assert_eq!(git(&world, &["status", "--porcelain"]), "M  .gitignore\n M docs/about.md\nM  greeting.txt\n");
    let head = world.git(&["rev-parse", "HEAD"]);
    world.run_freely(world.kcode(&["undo"])).code(0).says(&["  unstaged as well"]);
    assert_eq!(git(&world, &["status", "--porcelain"]), "M  .gitignore\n M docs/about.md\n");
    assert_eq!(world.git(&["rev-parse", "HEAD"]), head);
}

#[test]
fn a_change_in_the_tick_of_the_index_is_still_seen() {
    let world = mended();
    git(&world, &["config", "core.trustctime", "false"]);
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let touch = |name: &str| {
        fs::File::options().append(true).open(world.root().join(name)).unwrap().set_modified(then).unwrap();
    };
    touch("docs/about.md");
    git(&world, &["add", "--renormalize", "docs/about.md"]);
    git(&world, &["update-index", "--refresh"]);
    // Of the same length, and as old as the index: only the content tells.
    world.write("docs/about.md", world.read("docs/about.md").replace("greeting", "gREETING"));
    touch("docs/about.md");
    touch(".git/index");
    applied(&world, &["--index"]);
    assert_eq!(git(&world, &["status", "--porcelain"]), " M docs/about.md\nM  greeting.txt\n");
}

#[test]
fn what_was_staged_and_committed_since_stays_in_git() {
    let world = mended();
    applied(&world, &["--index"]);
    git(&world, &["commit", "-q", "--no-gpg-sign", "-m", "mine"]);
    world.run_freely(world.kcode(&["undo"])).code(0).says(&["  the index stays as it is"]);
    assert_eq!(git(&world, &["status", "--porcelain"]), " M greeting.txt\n");

    // Staged over in between: the patch alone can't be taken out.
    let world = mended();
    applied(&world, &["--index"]);
    let other = world.path("other");
    fs::write(&other, "something else\n").unwrap();
    let id = git(&world, &["hash-object", "-w", other.to_str().unwrap()]);
    git(&world, &["update-index", "--cacheinfo", &format!("100644,{},greeting.txt", id.trim())]);
    world.run_freely(world.kcode(&["undo"])).code(0).says(&["  the index stays as it is"]);
    assert_eq!(world.git(&["show", ":greeting.txt"]), "something else\n");
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
}

#[test]
fn a_kill_at_any_step_of_an_undo_leaves_index_and_tree_of_one_mind() {
    if !can_crash() {
        return;
    }
    let (world, before) = subject();
    let (mut finished, mut point) = (0, 0);
    loop {
        point += 1;
        if Sight::of(&world) == before {
            applied(&world, &["--index"]);
        }
        let mut command = world.kcode(&["undo"]);
        command.env("KCODE_TEST_CRASH_AT", format!("apply:{point}"));
        let ran = world.start(command).wait();
        world.run_freely(world.kcode(&["runs"])).code(0);
        let (undone, status) = (Sight::of(&world) == before, git(&world, &["status", "--porcelain"]));
        assert_eq!(undone, status.is_empty(), "step {point}: {status}");
        assert!(!status.lines().any(|line| line.starts_with(' ') || line.chars().nth(1) != Some(' ')), "{status}");
        if ran.output.status.code().is_some() {
            ran.code(0).says(&["  unstaged as well"]);
            assert!(point > 20 && finished > 3, "{finished} of {point} were finished by the next command");
            return;
        }
        finished += u32::from(undone);
    }
}

#[test]
fn a_file_with_changes_of_the_users_is_staged_without_them() {
    let world = World::new();
    let text = |greeting: &str, end: &str| format!("{greeting}\n{}{end}\n", "a line\n".repeat(9));
    world.write("greeting.txt", text("Hello, Wrold!", "the end"));
    world.commit_all();
    identify(&world);
    world.write("greeting.txt", text("Hello, Wrold!", "my end"));
    world.fix(&mender(), &[]).code(0);
    applied(&world, &["--commit"]).says(&["  committed as "]);
    assert_eq!(world.git(&["show", "HEAD:greeting.txt"]), text("Hello, World!", "the end"));
    assert_eq!(world.git(&["show", ":greeting.txt"]), text("Hello, World!", "the end"));
    assert_eq!(world.read("greeting.txt"), text("Hello, World!", "my end"));
    assert_eq!(git(&world, &["status", "--porcelain"]), " M greeting.txt\n");
}

#[test]
fn a_merge_is_committed_without_what_is_the_users() {
    let text = |greeting: &str, end: &str| format!("{greeting}\n{}{end}\n", "a line\n".repeat(9));
    let prepared = || {
        let world = World::new();
        world.write("greeting.txt", text("Hello, Wrold!", "the end"));
        world.commit_all();
        identify(&world);
        world.fix(&mender(), &[]).code(0);
        world
    };
    let world = prepared();
    world.write("greeting.txt", text("Hello, Wrold!", "my end"));
    applied(&world, &["--3way", "--commit"]).says(&["merged with your changes, not tested: greeting.txt"]);
    assert_eq!(world.read("greeting.txt"), text("Hello, World!", "my end"));
    assert_eq!(world.git(&["show", "HEAD:greeting.txt"]), text("Hello, World!", "the end"));
    let merged = world.git(&["log", "-1", "--format=%(trailers:key=Kcode-Merged,valueonly)"]);
    assert_eq!(merged.trim(), "greeting.txt (not tested)");

    // What the tree has already, git may still be told.
    let world = prepared();
    world.write("greeting.txt", text("Hello, World!", "the end"));
    world.run(world.kcode(&["apply", "--3way"])).code(3).says(&["your tree has all of run ", "hint: "]);
    applied(&world, &["--3way", "--commit"]).says(&["0 files", "  committed as "]);
    assert_eq!(world.git(&["show", "HEAD:greeting.txt"]), text("Hello, World!", "the end"));
}

#[test]
fn the_author_may_come_from_the_environment() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let mut command = world.kcode(&["apply", "--commit"]);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Grace").env(format!("GIT_{who}_EMAIL"), "grace@example.org");
    }
    world.run_freely(command).code(0);
    assert_eq!(world.git(&["log", "-1", "--format=%an %ce"]), "Grace grace@example.org\n");
}

#[test]
fn a_commit_says_where_it_comes_from() {
    let world = mended();
    let start = world.git(&["rev-parse", "HEAD"]);
    world.write(".gitignore", "staged, and not to be committed\n");
    git(&world, &["add", ".gitignore"]);
    let ran = applied(&world, &["--commit"]);
    let id = ran.kept().id();
    let (commit, event) = (world.git(&["rev-parse", "HEAD"]), &ran.kept().events("applied")[0]);
    assert_eq!(event["commit"], commit.trim());
    assert_eq!(world.git(&["rev-parse", "HEAD^"]), start);
    assert_eq!(
        world.git(&["show", "--format=%an %ae %cn|%s", "--name-only"]).lines().collect::<Vec<_>>(),
        ["Ada ada@example.org Ada|the greeting is misspelt", "", "greeting.txt"]
    );
    let message = world.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("The model says:\n> The greeting was misspelt; it isn't any more.\n"), "{message}");
    let trailers = world.run(world.kcode(&["show", "--trailers"])).code(0).stdout();
    assert!(trailers.starts_with(&format!("Kcode-Run: {id}\nKcode-Tests: ")), "{trailers}");
    assert!(message.contains(&format!("\n\n{trailers}Kcode-Outcome: verified\nKcode-Model: ")), "{message}");
    assert_eq!(world.git(&["log", "-1", "--format=%(trailers:key=Kcode-Run,valueonly)"]).trim(), id);
    assert_eq!(git(&world, &["status", "--porcelain"]), "M  .gitignore\n", "what else was staged still is");
}

#[test]
fn a_branch_is_made_and_the_old_one_stays() {
    let world = mended();
    let start = world.git(&["rev-parse", "main"]);
    applied(&world, &FLAGS).says(&["  on the new branch mended"]);
    assert_eq!(world.git(&["symbolic-ref", "--short", "HEAD"]), "mended\n");
    assert_eq!((world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "HEAD^"])), (start.clone(), start.clone()));
    assert_eq!(git(&world, &["status", "--porcelain"]), "");

    let world = mended();
    applied(&world, &["--branch", "side/way"]);
    assert_eq!(world.git(&["rev-parse", "side/way"]), world.git(&["rev-parse", "main"]));
    assert_eq!(git(&world, &["status", "--porcelain"]), " M greeting.txt\n");
}

fn lock(world: &World) -> PathBuf {
    world.root().join(".git/index.lock")
}

#[test]
fn what_git_cannot_be_told_is_not_applied() {
    type Prepare = fn(&World);
    let cases: [(Prepare, &[&str], &str); 12] = [
        (|world| drop(world.git(&["config", "--unset", "user.name"])), &["--commit"], "git doesn't know who you are"),
        (|world| drop(world.git(&["config", "--unset", "user.email"])), &["--commit"], "git doesn't know who you are"),
        (|world| drop(git(world, &["branch", "mended"])), &FLAGS, "\"mended\": it exists already"),
        (|_| {}, &["--branch", "a..b"], "no name for a branch"),
        (|_| {}, &["--branch", "main/more"], "goes through another branch"),
        (|world| drop(git(world, &["branch", "mended/more"])), &FLAGS, "goes through another branch"),
        (|world| fs::write(world.root().join(".git/index.lock"), "").unwrap(), &["--index"], "another git process"),
        // What can be waited for, or read without end, is neither.
        (
            |world| mknodat(CWD, lock(world), FileType::Fifo, 0o600.into(), 0).unwrap(),
            &["--index"],
            "another git process",
        ),
        (|world| symlink("/dev/zero", lock(world)).unwrap(), &["--index"], "another git process"),
        (|world| fs::write(world.root().join(".git/MERGE_HEAD"), "").unwrap(), &["--commit"], "is in progress"),
        (
            |world| drop(git(world, &["rm", "-q", "--cached", "greeting.txt"])),
            &["--index"],
            "greeting.txt: git doesn't track",
        ),
        (
            |world| fs::write(world.root().join(".git/info/attributes"), "*.txt filter=big\n").unwrap(),
            &["--index"],
            "a filter",
        ),
    ];
    for (prepare, flags, told) in cases {
        let world = mended();
        prepare(&world);
        let (index, sight) = (fs::read(world.root().join(".git/index")).unwrap(), Sight::of(&world));
        let ran = world.run_freely(world.kcode(&[&["apply"], flags].concat())).code(7);
        let ran = ran.says(&[told, "nothing was applied", "hint: "]);
        assert_eq!((index, sight), (fs::read(world.root().join(".git/index")).unwrap(), Sight::of(&world)));
        assert_eq!(ran.kept().events("applied").len(), 0);
    }
    let plain = World::without_git();
    plain.fix(&mender(), &[]).code(0);
    plain.run(plain.kcode(&["apply", "--index"])).code(7).says(&["there is no git repository here"]);
}

#[test]
fn in_a_linked_worktree_its_own_index_and_head_are_meant() {
    let world = World::new();
    identify(&world);
    let linked = world.path("linked");
    fs::remove_dir_all(world.root().join(".git/hooks")).unwrap();
    world.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let main = world.git(&["rev-parse", "main"]);
    let in_linked = |mut command: std::process::Command| {
        command.current_dir(&linked);
        command
    };
    world.run(in_linked(world.keyed(&mender(), &["fix", "mend it"]))).code(0);
    world.run(in_linked(world.kcode(&["diff"]))).code(0);
    world.run_freely(in_linked(world.kcode(&["apply", "--commit"]))).code(0);
    assert_eq!((world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "side^"])), (main.clone(), main));
    assert_eq!(world.git_in(&linked, &["status", "--porcelain"]), "");
    assert_eq!(git(&world, &["status", "--porcelain"]), "");
}

#[test]
fn a_kill_at_any_step_leaves_git_and_tree_of_one_mind() {
    if !can_crash() {
        return;
    }
    let (mut finished, mut subject) = (0, subject());
    for point in 1..200 {
        let (world, before) = &subject;
        let mut command = world.kcode(&[&["apply"], &FLAGS[..]].concat());
        command.env("KCODE_TEST_CRASH_AT", format!("apply:{point}"));
        let ran = world.start(command).wait();
        let whole = ran.output.status.code().is_some();
        world.run_freely(world.kcode(&["runs"])).code(0);
        let on_branch = git(world, &["symbolic-ref", "--short", "HEAD"]) == "mended\n";
        assert_eq!(git(world, &["status", "--porcelain"]), "", "step {point}");
        assert_eq!(on_branch, *before != Sight::of(world), "step {point}");
        let odd = fs::read_dir(world.root().join(".git")).unwrap().map(|entry| entry.unwrap().file_name());
        let odd: Vec<_> = odd.filter(|name| name.to_string_lossy().starts_with("index.")).collect();
        assert!(odd.is_empty(), "step {point}: {odd:?}");
        if whole {
            ran.code(0);
            assert!(point > 20 && finished > 3, "{finished} of {point} were finished by the next command");
            return;
        }
        if on_branch {
            finished += 1;
            subject = self::subject();
        }
    }
    panic!("it never came to its end");
}

fn subject() -> (World, Sight) {
    let (world, before) = changed_run(World::new());
    identify(&world);
    (world, before)
}
