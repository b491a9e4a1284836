//! Why a file isn't opened.

use std::io;
use std::path::PathBuf;

use rustix::fs::FileType;
use rustix::io::Errno;

/// Why a file of the repository isn't opened.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// `..`, an absolute link, or a link that climbs too far.
    #[error("it leads out of the repository")]
    Outside,
    /// It is inside `.git`.
    #[error("it leads into .git")]
    Git,
    /// By its name it is a file of secrets, or a link to one.
    #[error("it is or leads to {}, which by its name holds {what}", real.display())]
    Secret {
        /// The name, relative to the root.
        real: PathBuf,
        /// What such files contain.
        what: &'static str,
    },
    /// It is a hard link of such a file, or that can't be ruled out.
    #[error("it is a hard link, and another name of the same file is that of a secret")]
    HardLink,
    /// A folder, a pipe, a device or a socket.
    #[error("it is not a regular file")]
    Kind(FileType),
    /// Error of the operating system.
    #[error(transparent)]
    Io(io::Error),
}

impl Refused {
    /// True when nothing exists at the path.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Io(error) => error,
            Refused::Kind(_) => Self::other(refused.to_string()),
            refused => Self::new(io::ErrorKind::PermissionDenied, refused.to_string()),
        }
    }
}
