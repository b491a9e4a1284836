//! Errors of a repository or a view, each with a hint.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::{Outcome, is_disk_failure};

/// Why a repository can't be opened or a view can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The folder doesn't exist.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// The path is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The folder can't be listed.
    #[error("{} can't be read: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The root is the home folder, or a folder that holds it.
    #[error("{} {} your home folder; kcode does not work on all of it", root.display(), if *exact { "is" } else { "holds" })]
    Home {
        /// The root of the repository.
        root: PathBuf,
        /// The folder that kcode was started for.
        start: PathBuf,
        /// True when the root is the home folder itself.
        exact: bool,
    },
    /// The root is `/`.
    #[error("/ is the whole file system; kcode does not work on it")]
    FileSystemRoot,
    /// The repository is bare.
    #[error("{} is a bare repository; it has no files to work on", .0.display())]
    Bare(PathBuf),
    /// The folder is, or lies in, a git folder.
    #[error("{} is inside git's own folder, not in a work tree", .0.display())]
    InsideGit(PathBuf),
    /// Making or comparing the view was cancelled.
    #[error("work on the private view was cancelled")]
    Stopped,
    /// A file operation of kcode's own failed.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// A verb, such as `write`.
        action: &'static str,
        /// The path of the operation.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The hunks of a file can't be computed.
    #[error("can't compute the difference of {path}: {source}")]
    Difference {
        /// Path of the changed file, relative to the root.
        path: String,
        /// Error of libgit2.
        source: git2::Error,
    },
}

impl WorkspaceError {
    /// What the user can do about it, in one line.
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
            Self::Stopped => "nothing of it was kept; run again".into(),
            Self::Difference { .. } => "please report this with the two versions of the file".into(),
        }
    }
}

impl WorkspaceError {
    /// The outcome that decides the exit code: a place where kcode can't work is the user's choice, a full disk
    /// nobody's, the rest is our fault.
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

/// For `map_err`: names the failed file operation and its path.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    move |source| WorkspaceError::Io { action, path: path.to_owned(), source }
}
