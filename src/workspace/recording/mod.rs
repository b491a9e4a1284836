//! What git is told of a patch that is applied: its index, a branch, a commit.
//!
//! | File | What it does |
//! |---|---|
//! | `stage` | the patch, and nothing else, put into a copy of an index |
//! | `prepare` | all that can be made beforehand: objects, the new index, the commit |
//! | `finish` | the index replaced under git's own lock, then the refs; or the lock given back |
//!
//! No hook, filter or signing program runs. What else the user has staged or changed stays as it is: where a file differs from
//! what the patch was made for, the patch is merged into git's version of it.

mod finish;
mod prepare;
mod stage;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::journal::{Digest, RunFolder};
use crate::workspace::{ChangeSet, Conflict};
use finish::head_now;

/// What git is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The patch is to be in the index.
    pub index: bool,
    /// A new branch is to be made and checked out.
    pub branch: Option<String>,
    /// The patch is to be committed with this message.
    pub commit: Option<String>,
}

/// What git will be told, once the files are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRecording {
    /// The repository's root.
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
    /// Where it is made.
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
    /// For the reflog.
    reason: String,
}

impl GitRecording {
    /// For taking back `patch`, which was staged as this says: `None` when git has gone on since, or its index doesn't take the way
    /// back. The index is the user's then.
    pub(super) fn reversed(&self, run: &RunFolder, patch: &ChangeSet) -> Option<Self> {
        let only_staged = self.index.is_some() && self.commit().is_none();
        if !only_staged || head_now(&self.root) != self.on {
            return None;
        }
        let unstaged = Wanted { index: true, ..Wanted::default() };
        Self::prepare(&self.root, run, &patch.reversed(), &unstaged).ok()
    }

    /// The commit that is made, if one is.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.head.as_ref()?.commit.as_deref()
    }
}

/// Why git can't be told.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no repository that git opens.
    #[error("there is no git repository here")]
    NoGit,
    /// Git would have to guess who the author is.
    #[error("git doesn't know who you are")]
    NoIdentity,
    /// The branch is there, or can't be.
    #[error("can't make the branch {name:?}: {why}")]
    Branch {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// A merge or the like is under way.
    #[error("git is in the middle of something ({0})")]
    Busy(String),
    /// Git's version of a file doesn't take the patch.
    #[error("git's versions of these files don't take the patch")]
    Conflicts(Vec<Conflict>),
    /// Another process changes the index, or died doing so.
    #[error("{} is there: another git process is working", .0.display())]
    Locked(PathBuf),
    /// Git or the disk refuses.
    #[error("git can't do it: {0}")]
    Git(String),
}

impl RecordError {
    /// What to do about it, in one line.
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
