//! What came with a folder and isn't what it seems: files of git's that never end or never begin, a `.git` that is another
//! repository's, programs that `$PATH` finds in the repository.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::world::{TASK, World, mender};

/// Puts something where a file is expected.
type Plant = fn(&Path);
/// Leads to another repository.
type Lead = fn(&World, &Path);

/// In place of a file that git opens.
const FALSE_FILES: [(&str, Plant); 3] =
    [("a pipe", pipe), ("a device", |at| symlink("/dev/zero", at).unwrap()), ("too large", huge)];

/// Of git's own folder.
const OF_GIT: [&str; 12] = [
    "HEAD",
    "index",
    "config",
    "packed-refs",
    "shallow",
    "commondir",
    "refs/heads/main",
    "info/exclude",
    "info/attributes",
    "objects/info/alternates",
    "sharedindex.1234567890123456789012345678901234567890",
    "ORIG_HEAD",
];

pub fn pipe(at: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
}

fn huge(at: &Path) {
    fs::File::create(at).and_then(|file| file.set_len(1 << 40)).unwrap();
}

/// What only looks comes to an end, whatever stands in that place.
fn looked_through(world: &World, what: &str) {
    for arguments in [&["doctor"][..], &["runs"], &["apply"]] {
        let ran = world.start(world.kcode(arguments)).wait();
        assert_ne!(ran.output.status.code(), None, "{what}: {arguments:?} was killed");
    }
}

#[test]
fn files_of_gits_that_never_end_hold_nobody_up() {
    for file in OF_GIT {
        for (kind, plant) in FALSE_FILES {
            let world = World::new();
            let at = world.root().join(".git").join(file);
            let _ = fs::remove_file(&at);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            plant(&at);
            looked_through(&world, &format!("{kind} as {file}"));
        }
    }
}

#[test]
fn a_run_goes_on_without_a_git_that_cannot_be_read() {
    for (file, plant) in [("HEAD", pipe as fn(&Path)), ("index", huge), ("info/exclude", pipe)] {
        let world = World::new();
        let at = world.root().join(".git").join(file);
        let _ = fs::remove_file(&at);
        plant(&at);
        let kimi = mender();
        let ran = world.start(world.keyed(&kimi, &["fix", TASK])).wait();
        assert_eq!(ran.output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&ran.output.stderr));
    }
}

#[test]
fn rules_in_the_tree_that_never_end_hold_nobody_up() {
    for file in [".gitignore", ".gitattributes", "docs/.gitignore", "docs/.gitattributes"] {
        let world = World::new();
        let at = world.root().join(file);
        let _ = fs::remove_file(&at);
        pipe(&at);
        let kimi = mender();
        let ran = world.start(world.keyed(&kimi, &["fix", TASK])).wait();
        assert_eq!(ran.output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&ran.output.stderr));
    }
}

/// Another repository of the user's, and what nobody may learn of it.
pub fn private(world: &World) -> PathBuf {
    let folder = world.path("private");
    fs::create_dir(&folder).unwrap();
    world.git_in(&folder, &["init", "-q", "-b", "secret-branch"]);
    fs::write(folder.join("secret-name.txt"), "x\n").unwrap();
    world.git_in(&folder, &["add", "-A"]);
    let commit = ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "x"];
    world.git_in(&folder, &commit);
    folder.join(".git")
}

#[test]
fn nothing_of_another_repository_is_sent() {
    let plants: [(&str, Lead); 5] = [
        ("a .git file", |world, git| {
            fs::remove_dir_all(world.root().join(".git")).unwrap();
            world.write(".git", format!("gitdir: {}\n", git.display()));
        }),
        ("a link", |world, git| {
            fs::remove_dir_all(world.root().join(".git")).unwrap();
            symlink(git, world.root().join(".git")).unwrap();
        }),
        ("commondir", |world, git| world.write(".git/commondir", format!("{}\n", git.display()))),
        ("a linked index", |world, git| {
            fs::remove_file(world.root().join(".git/index")).unwrap();
            symlink(git.join("index"), world.root().join(".git/index")).unwrap();
        }),
        ("alternates and its commit", |world, git| {
            world.write(".git/objects/info/alternates", format!("{}\n", git.join("objects").display()));
            let head = world.git_in(git, &["rev-parse", "HEAD"]);
            world.write(".git/refs/heads/main", head);
        }),
    ];
    for (what, plant) in plants {
        let world = World::new();
        plant(&world, &private(&world));
        let kimi = mender();
        world.start(world.keyed(&kimi, &["fix", TASK])).wait();
        let sent = String::from_utf8_lossy(&kimi.requests()[0].body).into_owned();
        assert!(!sent.contains("secret-name") && !sent.contains("secret-branch"), "{what}: {sent}");
        assert!(what.starts_with("alternates") || sent.contains("Git: none"), "{what}: {sent}");
    }
}

#[test]
fn no_program_is_taken_from_the_repository() {
    let world = World::new();
    let sign = world.path("output/ran");
    let bin = world.root().join(".venv/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir(world.root().join("sub")).unwrap();
    for name in ["git", "bwrap", "less", "vi"] {
        fs::write(bin.join(name), format!("#!/bin/sh\ntouch '{}'\n", sign.display())).unwrap();
        fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    let (linked, programs) = (world.path("linked"), world.path("programs"));
    symlink(&bin, &linked).unwrap();
    fs::create_dir(&programs).unwrap();
    symlink(bin.join("git"), programs.join("git")).unwrap();
    let around = world.root().join("sub/../../project/.venv/bin");
    let real = std::env::var("PATH").unwrap();
    let kimi = mender();
    for first in [&bin, &linked, &programs, &around] {
        let path = format!("{}:{real}", first.display());
        let mut fix = world.keyed(&kimi, &["fix", TASK]);
        fix.current_dir(world.root().join("sub")).env("PATH", &path);
        world.start(fix).wait();
        for arguments in [&["verify"][..], &["doctor"], &["stats"], &["apply"], &["undo"]] {
            let mut command = world.kcode(arguments);
            command.current_dir(world.root().join("sub")).env("PATH", &path);
            world.start(command).wait();
        }
        assert!(!sign.exists(), "{path}");
    }
}
