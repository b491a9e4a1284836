//! Why nothing was applied or undone, and what to do about it.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::journal::{Outcome, RelPath, is_disk_failure};
use crate::workspace::RecordError;

/// Direction in which a change set is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Writes a run's patch to the tree.
    Apply,
    /// Restores what was there before.
    Undo,
}

impl Doing {
    /// As in "nothing was applied".
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Apply => "applied",
            Self::Undo => "undone",
        }
    }

    const fn since(self) -> &'static str {
        match self {
            Self::Apply => "the run began",
            Self::Undo => "it was applied",
        }
    }
}

/// A file that isn't in its expected state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleFile {
    /// Path of the file.
    pub path: RelPath,
    /// Its state now, such as `changed` or `gone`.
    pub now: &'static str,
}

/// A file that can't be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Path of the file.
    pub path: RelPath,
    /// Reason, such as `both changed it near line 12`.
    pub why: String,
}

/// Why nothing was written. The tree is as it was, unless it is [`HalfWay`](ApplyError::HalfWay).
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Files changed since the run began or was applied.
    #[error("{} changed since {}; nothing was {}", list(files), doing.since(), doing.done())]
    MovedOn {
        /// The changed files.
        files: Vec<StaleFile>,
        /// The direction of the operation.
        doing: Doing,
    },
    /// The patch and the user's changes overlap.
    #[error("the patch and what changed since the run began can't be merged; nothing was applied")]
    Conflicts(Vec<Conflict>),
    /// Git can't record the patch as requested.
    #[error("{0}; nothing was applied")]
    Record(#[from] RecordError),
    /// The change set touches git's own files, which could make git run something.
    #[error("{0} is git's own; nothing was applied")]
    OfGit(RelPath),
    /// A content of the change set can't be read.
    #[error("the content of {path} can't be read: {source}; nothing was {}", doing.done())]
    Content {
        /// The file.
        path: RelPath,
        /// Error of the operating system.
        source: io::Error,
        /// The direction of the operation.
        doing: Doing,
    },
    /// The record of how the run was applied can't be read.
    #[error("can't read {}: {source}; nothing was undone", path.display())]
    Forgotten {
        /// Path of the record.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The tree can't be written.
    #[error("can't write {}: {source}; nothing was {}", path.display(), doing.done())]
    Write {
        /// The path that failed.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
        /// The direction of the operation.
        doing: Doing,
    },
    /// The tree couldn't be written, and could not be restored either.
    #[error("can't write {}: {source}; these files could not be put back: {}", path.display(), stuck.join(", "))]
    HalfWay {
        /// The first path that failed.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
        /// The files that aren't restored, each with the reason.
        stuck: Vec<String>,
    },
    /// An earlier command died halfway, and what it left can't be restored yet.
    #[error("an earlier kcode was stopped while it wrote this run's files, and they can't be put back yet")]
    Unfinished,
}

impl ApplyError {
    /// What the user can do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Record(error) => error.hint(),
            Self::MovedOn { doing: Doing::Apply, .. } => {
                "your changes are safe; `kcode apply --3way` merges them with the patch, or run the task again"
            }
            Self::MovedOn { doing: Doing::Undo, .. } => {
                "your changes are safe; set those files aside (such as with `git stash`), undo, and bring your changes back"
            }
            Self::Conflicts(_) => {
                "your changes are safe; take what you want of `kcode diff` by hand, or run the task again"
            }
            Self::OfGit(_) => "no run may change git's files; do not apply this patch by other means",
            Self::Content { .. } => "the run's folder is damaged; run the task again",
            Self::Forgotten { .. } => {
                "the run's folder is damaged; take the patch back with `kcode diff RUN | git apply --reverse`"
            }
            Self::HalfWay { .. } => {
                "check permissions and space; the next kcode command tries again, and the contents are in the run's blobs"
            }
            Self::Write { .. } | Self::Unfinished => {
                "check permissions and space of the project's folder, then try again"
            }
        }
    }

    /// The outcome that decides the exit code: a full disk isn't the patch's fault.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Write { source, .. } if is_disk_failure(source) => Outcome::Storage,
            _ => Outcome::Refused,
        }
    }
}

fn list(files: &[StaleFile]) -> String {
    let told = |file: &StaleFile| format!("{} ({})", file.path, file.now);
    files.iter().map(told).collect::<Vec<_>>().join(", ")
}
