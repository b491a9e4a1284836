//! What can go wrong with a repository or a view, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::{Outcome, is_disk_failure};

/// Why a repository can't be opened or a view can't be used. Each has a [hint](WorkspaceError::hint).
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The folder isn't there.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// It is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// It can't be listed.
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The root is the home folder, or a folder that holds it.
    #[error("{} {} your home folder; kcode does not work on all of it", root.display(), if *exact { "is" } else { "holds" })]
    Home {
        /// The root that was found.
        root: PathBuf,
        /// The folder that kcode was started for.
        start: PathBuf,
        /// True when the root is the home folder itself.
        exact: bool,
    },
    /// The root is `/`.
    #[error("/ is the whole file system; kcode does not work on it")]
    FileSystemRoot,
    /// There is no work tree.
    #[error("{} is a bare repository; it has no files to work on", .0.display())]
    Bare(PathBuf),
    /// The folder belongs to git itself.
    #[error("{} is inside git's own folder, not in a work tree", .0.display())]
    InsideGit(PathBuf),
    /// Making the view, or comparing it, was called off.
    #[error("work on the private view was called off")]
    Stopped,
    /// A file operation of kcode's own failed.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// Such as `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The hunks of a file can't be computed.
    #[error("can't compute the difference of {path}: {source}")]
    Difference {
        /// The file.
        path: String,
        /// What libgit2 said.
        source: git2::Error,
    },
}

impl WorkspaceError {
    /// What to do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing(_) => "check the path given to -C, or change to the project's folder".into(),
            Self::NotAFolder(_) => "give the folder that holds the project, not a file in it".into(),
            Self::Unreadable { .. } => "give yourself read permission on the folder, or run as its owner".into(),
            Self::Home { root, start, exact } if root == start => {
                let what =
                    if *exact { "change to one project's folder" } else { "change to a project's folder below it" };
                format!("{what}, or name it with -C")
            }
            Self::Home { start, .. } => {
                format!(
                    "its repository reaches down to {0}; run `git init` in {0} to give it a root of its own",
                    start.display()
                )
            }
            Self::FileSystemRoot => "change to the project's folder, or name it with -C".into(),
            Self::Bare(_) => "make a work tree of it (git worktree add ../work) and run kcode there".into(),
            Self::InsideGit(_) => "change to the project's folder, above .git".into(),
            Self::Io { source, .. } if is_disk_failure(source) => {
                "free some space, or put the state on another disk with KCODE_HOME".into()
            }
            Self::Io { .. } => "check permissions and space there; KCODE_HOME moves kcode's own files elsewhere".into(),
            Self::Stopped => "nothing is left of it; run again".into(),
            Self::Difference { .. } => "please report this with the two versions of the file".into(),
        }
    }
}

impl WorkspaceError {
    /// The exit code it ends in: a place that kcode can't work on is the user's choice, a full disk nobody's, the rest
    /// is ours.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Missing(_)
            | Self::NotAFolder(_)
            | Self::Unreadable { .. }
            | Self::Home { .. }
            | Self::FileSystemRoot
            | Self::Bare(_)
            | Self::InsideGit(_) => Outcome::Usage,
            Self::Stopped => Outcome::Interrupted,
            Self::Io { source, .. } if is_disk_failure(source) => Outcome::Storage,
            Self::Io { .. } | Self::Difference { .. } => Outcome::Internal,
        }
    }
}

/// For `map_err`: a file operation named by what was tried on which path.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    move |source| WorkspaceError::Io { action, path: path.to_owned(), source }
}
