//! The tree that tests ran on, by the id that git would give it when it was committed.
//!
//! Anybody can check it: `git rev-parse HEAD^{tree}` says the same once the tree is committed. The
//! user's index and objects stay as they are: git works on a copy of the index, and writes what it has to
//! write to a folder of the run's.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Blobs, ChangeSet, GitAccess, Repository, file_state, git};
use crate::journal::Digest;

/// What git would have to hash at most, in files that it doesn't know: nobody waits for gigabytes to be read.
const MOST_BYTES: u64 = 256 << 20;
const MOST_FILES: usize = 20_000;

/// An index of the run's own that holds the tree which the run started from.
#[derive(Debug)]
pub struct TreeIndex {
    root: PathBuf,
    folder: PathBuf,
    /// False when git has to be told that the folder is a work tree.
    has_git: bool,
    /// Settings that keep the repository's content filters from running.
    disarmed: Vec<OsString>,
    start: String,
}

/// A tree before and after a change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeIds {
    /// What a run started from.
    pub start: String,
    /// The same with its changes.
    pub patched: String,
}

/// Why a tree has no id.
#[derive(Debug, thiserror::Error)]
pub enum NoTreeId {
    /// Too much that git doesn't know yet.
    #[error("more than {} MiB in files that git doesn't track", MOST_BYTES >> 20)]
    TooLarge,
    /// It isn't there, or it refuses.
    #[error("git can't tell: {0}")]
    Git(String),
    /// The folder for it can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TreeIndex {
    /// Of the tree as it stands now. `folder` is made for it. Blocks; a large untracked file takes its time.
    ///
    /// # Errors
    /// When there is too much to read, or git can't.
    pub fn of(repository: &Repository, folder: &Path) -> Result<Self, NoTreeId> {
        let root = repository.root().to_owned();
        DirBuilder::new().mode(0o700).recursive(true).create(folder.join("objects"))?;
        let disarmed = git::without_filters(&root);
        let mut tree = Self {
            root,
            folder: fs::canonicalize(folder)?,
            has_git: repository.git() != GitAccess::None,
            disarmed,
            start: String::new(),
        };
        if tree.has_git {
            let index = tree.place("index")?;
            if index.exists() {
                copy_with_time(&index, &tree.index())?;
            }
        } else {
            tree.git(["init", "--quiet"])?;
        }
        tree.bounded()?;
        tree.git(["add", "--all", "--", "."])?;
        tree.start = tree.written(&tree.index())?;
        Ok(tree)
    }

    /// The tree that the run started from.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The same tree with `changes`, whose contents are in `blobs`.
    ///
    /// # Errors
    /// When git or the folder refuses.
    pub fn with(&self, changes: &ChangeSet, blobs: &Blobs) -> Result<TreeIds, NoTreeId> {
        let mut lines = Vec::new();
        for entry in &changes.entries {
            let (mode, id) = match entry.after {
                Some(after) => (after.mode.as_str(), self.object(blobs, after.sha256)?),
                // Mode 0 takes the path out; the id isn't looked at.
                None => ("0", "0".repeat(self.start.len())),
            };
            lines.extend([format!("{mode} {id}\t").as_bytes(), entry.path.as_str().as_bytes(), b"\0"].concat());
        }
        let index = self.folder.join("patched");
        fs::copy(self.index(), &index)?;
        let mut update = self.command();
        update.env("GIT_INDEX_FILE", &index).args(["update-index", "-z", "--index-info"]);
        run(update, &lines)?;
        Ok(TreeIds { start: self.start.clone(), patched: self.written(&index)? })
    }

    fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    /// `git`, working on this index and with objects of its own alone: it would set the times of those that it finds.
    fn command(&self) -> Command {
        let mut command = git::command(&self.root);
        command.env("GIT_INDEX_FILE", self.index()).env("GIT_OBJECT_DIRECTORY", self.folder.join("objects"));
        if !self.has_git {
            command.env("GIT_DIR", self.folder.join("git")).env("GIT_WORK_TREE", &self.root);
        }
        // Of the tree as it stands; what a commit would warn of is no matter here.
        command.args(&self.disarmed).args(["-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false"]);
        command
    }

    fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, NoTreeId> {
        let mut command = self.command();
        command.args(arguments);
        run(command, &[])
    }

    /// Where the repository keeps `name`.
    fn place(&self, name: &str) -> Result<PathBuf, NoTreeId> {
        let path = git::line(&self.root, ["rev-parse", "--git-path", name]);
        let path = path.ok_or_else(|| NoTreeId::Git(format!("it doesn't say where its {name} is")))?;
        Ok(self.root.join(OsString::from_vec(path)))
    }

    /// What git would have to read is asked before it reads.
    fn bounded(&self) -> Result<(), NoTreeId> {
        let unknown = self.git(["ls-files", "-z", "--others", "--modified", "--exclude-standard"])?;
        let paths = unknown.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(file_state::as_path);
        let sizes: Vec<u64> = paths
            .take(MOST_FILES + 1)
            .filter_map(|path| fs::symlink_metadata(self.root.join(path)).ok())
            .map(|about| about.len())
            .collect();
        if sizes.len() > MOST_FILES || sizes.iter().sum::<u64>() > MOST_BYTES {
            return Err(NoTreeId::TooLarge);
        }
        Ok(())
    }

    /// Makes an object of a kept content.
    fn object(&self, blobs: &Blobs, digest: Digest) -> Result<String, NoTreeId> {
        let mut command = self.command();
        command.args(["hash-object", "-w", "--stdin", "--no-filters"]);
        line(run(command, &blobs.read(digest)?)?)
    }

    fn written(&self, index: &Path) -> Result<String, NoTreeId> {
        let mut command = self.command();
        command.env("GIT_INDEX_FILE", index).args(["write-tree", "--missing-ok"]);
        line(run(command, &[])?)
    }
}

/// The index's own time tells git which files it has to read, because they may have changed in the very tick in which it was
/// written.
pub(super) fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let written = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(written)
}

fn run(command: Command, input: &[u8]) -> Result<Vec<u8>, NoTreeId> {
    git::run(command, input).map_err(NoTreeId::Git)
}

fn line(output: Vec<u8>) -> Result<String, NoTreeId> {
    let text = String::from_utf8(output).map_err(|error| NoTreeId::Git(error.to_string()))?;
    Ok(text.trim_end().to_owned())
}
