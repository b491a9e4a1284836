//! Records an applied patch in git: in its index, on a branch, in a commit.
//!
//! | File | What it does |
//! |---|---|
//! | `stage` | puts the patch, and nothing else, into a copy of an index |
//! | `prepare` | makes everything that can be made beforehand: objects, the new index, the commit |
//! | `finish` | replaces the index under git's own lock, then updates the refs; or releases the lock |
//!
//! No hook, filter or signing program runs. What else the user has staged or changed stays as it is: where a file
//! differs from what the patch was made for, the patch is merged into git's version of it.

mod finish;
mod prepare;
mod stage;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::journal::{Digest, RunFolder};
use crate::workspace::{ChangeSet, Conflict};
use finish::head_now;

/// What the user wants recorded in git.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// True to stage the patch.
    pub index: bool,
    /// Name of a new branch to create and check out.
    pub branch: Option<String>,
    /// Message of a commit of the patch.
    pub commit: Option<String>,
}

/// Prepared changes of git's index and refs, made after the files are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRecording {
    root: PathBuf,
    /// HEAD's commit when it was prepared.
    on: Option<String>,
    index: Option<NewIndex>,
    head: Option<NewHead>,
}

/// The index as it is and as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NewIndex {
    path: PathBuf,
    /// Path of the prepared index.
    made: PathBuf,
    before: Option<Digest>,
    after: Digest,
}

/// HEAD as it is and as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NewHead {
    before: Option<String>,
    branch: Option<String>,
    commit: Option<String>,
    /// Reflog message.
    reason: String,
}

impl GitRecording {
    /// Prepares unstaging `patch`, which `self` staged. `None` when HEAD has moved since or the index doesn't take the
    /// reversed patch; then the index is left to the user.
    pub(super) fn reversed(&self, run: &RunFolder, patch: &ChangeSet) -> Option<Self> {
        let only_staged = self.index.is_some() && self.commit().is_none();
        if !only_staged || head_now(&self.root) != self.on {
            return None;
        }
        let unstaged = Wanted { index: true, ..Wanted::default() };
        Self::prepare(&self.root, run, &patch.reversed(), &unstaged).ok()
    }

    /// Hash of the prepared commit, if there is one.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.head.as_ref()?.commit.as_deref()
    }
}

/// Why a patch can't be recorded in git.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no repository that git opens.
    #[error("there is no git repository here")]
    NoGit,
    /// Git would have to guess the author.
    #[error("git doesn't know who you are")]
    NoIdentity,
    /// The branch exists, or its name isn't possible.
    #[error("can't make the branch {name:?}: {why}")]
    Branch {
        /// Name of the branch.
        name: String,
        /// The reason.
        why: String,
    },
    /// A merge, rebase or the like is in progress.
    #[error("a merge, rebase or the like is in progress ({0})")]
    Busy(String),
    /// The patch doesn't merge with git's versions of these files.
    #[error("git's versions of these files don't take the patch")]
    Conflicts(Vec<Conflict>),
    /// The index lock exists: another process changes the index, or died doing so.
    #[error("{} is there: another git process is working", .0.display())]
    Locked(PathBuf),
    /// Git or the file system refuses.
    #[error("git can't do it: {0}")]
    Git(String),
}

impl RecordError {
    /// What the user can do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoGit => "apply without --index, --branch and --commit",
            Self::NoIdentity => "run `git config user.name \"Your Name\"` and `git config user.email you@example.org`",
            Self::Branch { .. } => "choose another name",
            Self::Busy(_) => "finish or abort that first, or apply without --commit and --branch",
            Self::Conflicts(_) => "apply without --index and --commit, and stage what you want with `git add -p`",
            Self::Locked(_) => "wait until it has ended; if none is running, remove that file",
            Self::Git(_) => "apply without --index, --branch and --commit, and do it with git",
        }
    }
}

impl From<std::io::Error> for RecordError {
    fn from(error: std::io::Error) -> Self {
        Self::Git(error.to_string())
    }
}
