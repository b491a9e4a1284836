//! Runs `git` and reads git's files, without trusting the repository.
//!
//! | File | What it does |
//! |---|---|
//! | `dir` | finds and checks git's folders of a work tree, without git |
//! | `plain` | opens files that must be ordinary and bounded |
//! | `facts` | reads the format from a repository's settings, and nothing else of them |
//! | `users` | reads the few settings of the user that apply |
//! | `stand_in` | makes the folder that git uses in place of the repository's own |
//! | `folder` | temporary folders, and how they are removed |
//! | `head` | reads HEAD |
//! | `index` | bounds the memory that an index takes |
//! | `commit_tree` | reads a whole tree of a commit |
//! | `objects` | checks that objects are ordinary files |
//! | `publishing` | a clone without files, to put a patch on a branch of a remote |
//! | `run` | runs git with a deadline and limits, and ends it with its children |
//!
//! `docs/security.md` lists every command with what it could run. Output is always `-z` where git has it.

mod base_tree;
mod commit_tree;
mod credentials;
mod dir;
mod facts;
mod folder;
mod head;
mod index;
mod objects;
mod plain;
mod publishing;
mod run;
mod settings_reader;
mod stand_in;
mod users;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub use base_tree::BaseTree;
pub use commit_tree::CommitTree;
pub(super) use dir::{DotGit, GitDir};
pub use folder::remove_temporary;
pub use head::Head;
pub use publishing::{BranchName, PublishingClone, Remote, RemoteError};
use stand_in::StandIn;
pub(super) use users::excludes_file;

use crate::settings::Programs;

/// Variables that git inherits. Everything else, `GIT_DIR` and API keys included, is removed.
const KEPT_VARIABLES: [&str; 3] = ["TMPDIR", "USER", "SYSTEMROOT"];
/// Variables it also inherits when the user's own settings say who the author is.
const OF_THE_USER: [&str; 8] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "EMAIL",
];
/// Overrides of user settings that would make such a command run a program.
const NOT_OF_THE_USER: [&str; 6] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
];

/// Every git command that is run. `docs/security.md` says of each what settings could make it do.
const COMMANDS: [&str; 20] = [
    "apply",
    "cat-file",
    "check-attr",
    "check-ref-format",
    "commit-tree",
    "diff-files",
    "fetch",
    "for-each-ref",
    "hash-object",
    "ls-files",
    "ls-remote",
    "push",
    "read-tree",
    "rev-parse",
    "status",
    "symbolic-ref",
    "update-index",
    "update-ref",
    "var",
    "write-tree",
];

#[derive(Debug)]
pub(super) struct Git {
    command: Command,
    /// Its working folder.
    dir: PathBuf,
    /// Kept until git has ended.
    home: StandIn,
    /// Whether it waits for another machine: it may sleep, and take longer.
    is_remote: bool,
}

impl Git {
    /// Git for the work tree of `dir`, with its objects, index and files. There are no refs, and HEAD is unborn.
    ///
    /// # Errors
    /// In words: when git isn't installed, or the stand-in folder can't be made.
    pub(super) fn of(dir: &GitDir) -> Result<Self, String> {
        Self::of_files(dir, None)
    }

    /// As [`Git::of`], with HEAD at its commit.
    ///
    /// # Errors
    /// As [`Git::of`].
    pub(super) fn at_head(dir: &GitDir) -> Result<Self, String> {
        Self::of_files(dir, dir.head().commit.as_deref())
    }

    fn of_files(dir: &GitDir, head: Option<&str>) -> Result<Self, String> {
        let home = StandIn::of_files(dir, head).map_err(|error| error.to_string())?;
        let mut git = Self::new(&dir.root, home)?;
        git.command.env("GIT_DIR", git.home.path()).env("GIT_WORK_TREE", &dir.root);
        Ok(git)
    }

    /// Git for the work tree of `dir`, with its refs.
    ///
    /// # Errors
    /// As [`Git::of`].
    pub(super) fn of_refs(dir: &GitDir) -> Result<Self, String> {
        let home = StandIn::of_refs(dir).map_err(|error| error.to_string())?;
        let mut git = Self::new(&dir.root, home)?;
        git.command.env("GIT_DIR", &dir.own).env("GIT_COMMON_DIR", git.home.path()).env("GIT_WORK_TREE", &dir.root);
        Ok(git)
    }

    /// Git for a folder without a repository; new objects go to `objects`.
    ///
    /// # Errors
    /// As [`Git::of`].
    pub(super) fn without_git(root: &Path, objects: &Path) -> Result<Self, String> {
        let home = StandIn::without_git(root, objects);
        let mut git = Self::new(root, home.map_err(|error| error.to_string())?)?;
        git.command.env("GIT_DIR", git.home.path()).env("GIT_WORK_TREE", root);
        Ok(git)
    }

    /// Git in no repository at all, whatever is around `place`.
    ///
    /// # Errors
    /// As [`Git::of`].
    pub(super) fn nowhere(place: &Path) -> Result<Self, String> {
        let home = StandIn::bare_home(place).map_err(|error| error.to_string())?;
        let mut git = Self::new(place, home)?;
        let above = place.parent().map_or_else(PathBuf::new, Path::to_owned);
        // `GIT_DIR` is a folder that is no repository: git looks for none, and `place` isn't one either, whatever files
        // it holds.
        git.command
            .env("GIT_DIR", git.home.path())
            .env("GIT_CEILING_DIRECTORIES", above)
            .args(["-c", "core.attributesFile=/dev/null"]);
        Ok(git)
    }

    fn new(dir: &Path, home: StandIn) -> Result<Self, String> {
        let programs = Programs::outside(dir);
        let mut command = Command::new(programs.find("git").map_err(|error| error.to_string())?);
        command.env_clear().current_dir(dir).env("PATH", programs.path());
        command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
        command.envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("LC_ALL", "C"),
        ]);
        command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ok(Self { command, dir: dir.to_owned(), home, is_remote: false })
    }

    /// Adds the user's own settings, which say who the author is. Such a command reads nothing of a tree.
    pub(super) fn for_the_user(mut self) -> Self {
        self.command.env_remove("GIT_CONFIG_GLOBAL").env_remove("HOME").env_remove("XDG_CONFIG_HOME");
        self.command.envs(OF_THE_USER.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        self.command.args(NOT_OF_THE_USER.iter().flat_map(|setting| ["-c", setting]));
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }
}

impl GitDir {
    /// Output of a command on refs; `None` when git is missing or fails, which callers treat as "git can't tell".
    pub(super) fn output<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Option<Vec<u8>> {
        Git::of_refs(self).ok()?.args(arguments).run(&[]).ok()
    }

    /// One value that git ends with a newline, such as a path that may itself contain one.
    pub(super) fn line<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Option<Vec<u8>> {
        let mut bytes = self.output(arguments)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// A repository's objects and branches, to be read with libgit2.
pub struct History {
    repository: git2::Repository,
    /// The folder it was opened in.
    _home: StandIn,
}

impl History {
    /// Opens the work tree at `root`; `None` without git, and where libgit2 doesn't know the format.
    #[must_use]
    pub fn of(root: &Path) -> Option<Self> {
        let dir = GitDir::usable(&std::fs::canonicalize(root).ok()?).filter(GitDir::is_classic)?;
        // libgit2 would block on an object that is a pipe.
        objects::check(&dir.common.join("objects")).ok()?;
        let home = StandIn::of_files(&dir, dir.head().commit.as_deref()).ok()?;
        let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::BARE;
        let repository = git2::Repository::open_ext(home.path(), flags, std::iter::empty::<&Path>()).ok()?;
        Some(Self { repository, _home: home })
    }
}

impl std::ops::Deref for History {
    type Target = git2::Repository;

    fn deref(&self) -> &Self::Target {
        &self.repository
    }
}
