//! What a `.git` and the files of a tree may be instead of what they seem to be.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngSeed};
use rustix::fs::{CWD, FileType, mknodat};

/// As many random cases as `PROPTEST_CASES` asks for. Else `few`, always the same, so that what fails is what was changed.
pub fn random(few: u32, shrinks: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let rng_seed = if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = asked.unwrap_or(few);
    Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: shrinks, ..Config::default() }
}

/// Where it is planted. In the home are a key, `.ssh/id_ed25519`, and a folder `documents`.
pub struct Ground {
    pub project: PathBuf,
    pub home: PathBuf,
    /// Another repository of the user's, which is made.
    pub other: PathBuf,
    /// What stands in that, and among the files of the project's own.
    pub canary: &'static str,
}

/// What stands at the project's `.git`.
pub const GIT: [&str; 23] = [
    "nothing",
    "a folder that is no repository",
    "a repository",
    "one that borrows objects of another",
    "one that shares the folder of another",
    "one whose tree is the home",
    "one whose rules are a key",
    "one whose attributes are a pipe",
    "one whose rules are another's by a link to a folder",
    "one whose objects are another's by a link",
    "one whose index is another's by a link",
    "one with a socket in it",
    "one with a pipe among its refs",
    "a file that names another repository",
    "a file that names a folder of keys",
    "a file that names the tree itself",
    "a file that names the root of the machine",
    "a file that names a work tree of another tree",
    "a file that names a work tree of this tree",
    "a file that names a repository whose tree is this one",
    "a link to another repository",
    "a link to a folder of keys",
    "a pipe",
];
/// Those of which the folder elsewhere knows this tree: git's own work trees and submodules are like that.
pub const KNOWN: [&str; 2] =
    ["a file that names a work tree of this tree", "a file that names a repository whose tree is this one"];

/// Entries of the tree that are no files, or rules that aren't the tree's.
pub const ENTRIES: [&str; 8] = [
    "a pipe",
    "a socket",
    "rules that are a pipe",
    "rules that are a key",
    "attributes that are a socket",
    "a folder of links",
    "a repository in it that names another",
    "modules that are another's settings",
];

/// Names that settings may give to folders of dependencies.
pub const DEPENDENCIES: [&str; 10] = [
    "node_modules",
    ".venv",
    "venv",
    ".git",
    ".git/modules",
    "src/far/.ssh",
    "src/keys",
    "src/up",
    "src/inner/.git",
    "folder/deep",
];
/// And patterns of files of secrets that they may open.
pub const SECRETS: [&str; 4] = [".env", "**/*.pfx", "**", "**/server.key"];

/// Makes what `GIT` calls so in place of the project's `.git`.
pub fn plant_git(ground: &Ground, what: &str) -> Vec<UnixListener> {
    let (git, other) = (ground.project.join(".git"), ground.other.join(".git"));
    ground.make_repository(&other);
    fs::write(ground.other.join("private.txt"), ground.canary).unwrap();
    fs::remove_dir_all(&git).unwrap();
    let names = |folder: &Path| fs::write(&git, format!("gitdir: {}\n", folder.display())).unwrap();
    match what {
        "a file that names another repository" => names(&other),
        "a file that names a folder of keys" => names(&ground.home.join(".ssh")),
        "a file that names the tree itself" => names(Path::new("..")),
        "a file that names the root of the machine" => names(Path::new("/")),
        "a file that names a work tree of another tree" => {
            names(&work_tree(&other, &ground.home.join("documents/.git")));
        }
        "a file that names a work tree of this tree" => names(&work_tree(&other, &git)),
        "a file that names a repository whose tree is this one" => {
            fs::write(other.join("config"), format!("[core]\n\tworktree = {}\n", ground.project.display())).unwrap();
            names(&other);
        }
        "a link to another repository" => symlink(&other, &git).unwrap(),
        "a link to a folder of keys" => symlink(ground.home.join(".ssh"), &git).unwrap(),
        "a pipe" => pipe(&git),
        "nothing" => {}
        "a folder that is no repository" => fs::create_dir_all(git.join("objects")).unwrap(),
        of_its_own => {
            ground.make_repository(&git);
            return change(ground, of_its_own, &git, &other);
        }
    }
    Vec::new()
}

/// Changes a repository of the tree's own.
fn change(ground: &Ground, what: &str, git: &Path, other: &Path) -> Vec<UnixListener> {
    let key = ground.home.join(".ssh/id_ed25519");
    let link = |to: PathBuf, name: &str| {
        let _ = fs::remove_dir_all(git.join(name)).or_else(|_| fs::remove_file(git.join(name)));
        symlink(to, git.join(name)).unwrap();
    };
    match what {
        "a repository" => {}
        "one that borrows objects of another" => {
            fs::write(git.join("objects/info/alternates"), format!("{}\n", other.join("objects").display())).unwrap();
        }
        "one that shares the folder of another" => {
            fs::write(git.join("commondir"), format!("{}\n", other.display())).unwrap();
        }
        "one whose tree is the home" => {
            fs::write(git.join("config"), format!("[core]\n\tworktree = {}\n", ground.home.display())).unwrap();
        }
        "one whose rules are a key" => link(key, "info/exclude"),
        "one whose attributes are a pipe" => pipe(&git.join("info/attributes")),
        "one whose rules are another's by a link to a folder" => link(other.join("info"), "info"),
        "one whose objects are another's by a link" => link(other.join("objects"), "objects"),
        "one whose index is another's by a link" => link(other.join("index"), "index"),
        "one with a socket in it" => return vec![UnixListener::bind(git.join("s")).unwrap()],
        "one with a pipe among its refs" => pipe(&git.join("refs/heads/main")),
        unknown => panic!("nobody knows how to make {unknown}"),
    }
    Vec::new()
}

/// Makes what `ENTRIES` calls so in the project's folder `src`.
pub fn plant_entry(ground: &Ground, what: &str) -> Option<UnixListener> {
    let folder = ground.project.join("src");
    fs::create_dir_all(&folder).unwrap();
    let at = |name: &str| folder.join(name);
    match what {
        "a pipe" => pipe(&at("pipe")),
        "a socket" => return Some(UnixListener::bind(at("socket")).unwrap()),
        "rules that are a pipe" => pipe(&at(".gitignore")),
        "rules that are a key" => {
            let _ = fs::remove_file(ground.project.join(".gitignore"));
            symlink(ground.home.join(".ssh/id_ed25519"), ground.project.join(".gitignore")).unwrap();
        }
        "attributes that are a socket" => return Some(UnixListener::bind(at(".gitattributes")).unwrap()),
        "a folder of links" => {
            symlink(&ground.home, at("far")).unwrap();
            symlink(ground.home.join(".ssh"), at("keys")).unwrap();
            symlink(ground.project.join(".."), at("up")).unwrap();
        }
        "a repository in it that names another" => {
            fs::create_dir_all(at("inner")).unwrap();
            let other = ground.other.join(".git");
            fs::write(at("inner/.git"), format!("gitdir: {}\n", other.display())).unwrap();
        }
        "modules that are another's settings" => {
            symlink(ground.other.join(".git/config"), ground.project.join(".gitmodules")).unwrap();
        }
        unknown => panic!("nobody knows how to make {unknown}"),
    }
    None
}

impl Ground {
    /// Makes what git takes for its folder, with a canary in it.
    fn make_repository(&self, at: &Path) {
        for folder in ["objects/ab", "objects/info", "objects/pack", "refs/heads", "info"] {
            fs::create_dir_all(at.join(folder)).unwrap();
        }
        fs::write(at.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(at.join("config"), "[core]\n\trepositoryformatversion = 0\n").unwrap();
        for file in ["description", "objects/ab/canary", "info/canary"] {
            fs::write(at.join(file), self.canary).unwrap();
        }
    }
}

/// The folder that `common` keeps of the work tree whose `.git` is `pointer`.
fn work_tree(common: &Path, pointer: &Path) -> PathBuf {
    let own = common.join("worktrees/w");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("HEAD"), "ref: refs/heads/w\n").unwrap();
    fs::write(own.join("commondir"), "../..\n").unwrap();
    fs::write(own.join("gitdir"), format!("{}\n", pointer.display())).unwrap();
    own
}

fn pipe(at: &Path) {
    mknodat(CWD, at, FileType::Fifo, 0o644.into(), 0).unwrap();
}
