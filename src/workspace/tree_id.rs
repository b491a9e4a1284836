//! The tree that tests ran on, by the id that git would give it when it was committed.
//!
//! Anybody can check it: `git rev-parse HEAD^{tree}` says the same once the tree is committed. The
//! user's index and objects stay as they are: git works on a copy of the index, and writes what it has to
//! write to a folder of the run's.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::git::{Git, GitDir};
use super::hunks::object_name;
use super::repository::ObjectFormat;
use super::{Blobs, ChangeSet, Repository, file_state};
use crate::journal::{Digest, open_regular};

/// What git would have to hash at most, in files that it doesn't know: nobody waits for gigabytes to be read.
const MOST_BYTES: u64 = 256 << 20;
const MOST_FILES: usize = 20_000;

/// An index of the run's own that holds the tree which the run started from.
#[derive(Debug)]
pub struct TreeIndex {
    root: PathBuf,
    folder: PathBuf,
    /// `None` in a folder without git.
    git: Option<GitDir>,
    format: ObjectFormat,
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
        let git = repository.git_dir().cloned();
        let format = repository.object_format;
        let mut tree = Self { root, folder: fs::canonicalize(folder)?, git, format, start: String::new() };
        if let Some(index) = tree.git.as_ref().map(|git| git.own.join("index")).filter(|index| index.exists()) {
            copy_with_time(&index, &tree.index())?;
        }
        tree.add_all()?;
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
        let update = self.command()?.env("GIT_INDEX_FILE", &index).args(["update-index", "-z", "--index-info"]);
        run(update, &lines)?;
        Ok(TreeIds { start: self.start.clone(), patched: self.written(&index)? })
    }

    fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    /// `git`, working on this index and with objects of its own alone: it would set the times of those that it finds.
    fn command(&self) -> Result<Git, NoTreeId> {
        let objects = self.folder.join("objects");
        let git = match &self.git {
            Some(git) => Git::of(git),
            None => Git::without_git(&self.root, &objects),
        };
        let git = git.map_err(NoTreeId::Git)?;
        Ok(git.env("GIT_INDEX_FILE", self.index()).env("GIT_OBJECT_DIRECTORY", objects))
    }

    fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Result<Vec<u8>, NoTreeId> {
        run(self.command()?.args(arguments), input)
    }

    /// Puts the tree as it stands into the index. `git add` would do the same, and ask repositories in it what has changed in
    /// them, each by its own settings.
    fn add_all(&self) -> Result<(), NoTreeId> {
        let told = self.git(["ls-files", "-z", "--others", "--modified", "--deleted", "--exclude-standard"], &[])?;
        let mut paths: Vec<&[u8]> = told.split(|byte| *byte == 0).filter(|path| !path.is_empty()).collect();
        // A deleted file is told twice; a repository in the tree ends in a slash.
        for path in &mut paths {
            *path = path.strip_suffix(b"/").unwrap_or(path);
        }
        paths.dedup();
        let about = |path: &[u8]| fs::symlink_metadata(self.root.join(file_state::as_path(path))).ok();
        let sizes: Vec<u64> =
            paths.iter().take(MOST_FILES + 1).filter_map(|path| about(path)).map(|about| about.len()).collect();
        if sizes.len() > MOST_FILES || sizes.iter().sum::<u64>() > MOST_BYTES {
            return Err(NoTreeId::TooLarge);
        }
        let input: Vec<u8> = paths.iter().flat_map(|path| [path, &b"\0"[..]].concat()).collect();
        self.git(["update-index", "--add", "--remove", "--replace", "-z", "--stdin"], &input).map(drop)
    }

    /// Git's name for a kept content. The object itself isn't needed; a git for each file would take its time.
    fn object(&self, blobs: &Blobs, digest: Digest) -> Result<String, NoTreeId> {
        let named = object_name(self.format, &blobs.read(digest)?);
        named.map_err(|error| NoTreeId::Git(error.message().to_owned()))
    }

    fn written(&self, index: &Path) -> Result<String, NoTreeId> {
        line(run(self.command()?.env("GIT_INDEX_FILE", index).args(["write-tree", "--missing-ok"]), &[])?)
    }
}

/// The index's own time tells git which files it has to read, because they may have changed in the very tick in which it was
/// written.
pub(super) fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = open_regular(from)?;
    let about = from.metadata()?;
    let mut to = File::create(to)?;
    io::copy(&mut from.by_ref().take(about.len()), &mut to)?;
    to.set_permissions(about.permissions())?;
    to.set_modified(about.modified()?)
}

fn run(command: Git, input: &[u8]) -> Result<Vec<u8>, NoTreeId> {
    command.run(input).map_err(NoTreeId::Git)
}

fn line(output: Vec<u8>) -> Result<String, NoTreeId> {
    let text = String::from_utf8(output).map_err(|error| NoTreeId::Git(error.to_string()))?;
    Ok(text.trim_end().to_owned())
}
