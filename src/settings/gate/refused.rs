//! Why something isn't opened.

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
    /// It is git's own.
    #[error("it leads into .git")]
    Git,
    /// By its name it is a file of secrets, or a link to one.
    #[error("it is or leads to {}, which by its name holds {what}", real.display())]
    Secret {
        /// The name, relative to the root.
        real: PathBuf,
        /// What such files hold.
        what: &'static str,
    },
    /// It is the same file as one of those, or it can't be ruled out.
    #[error("it is a hard link, and another name of the same file is that of a secret")]
    HardLink,
    /// A folder, a pipe, a device, a socket.
    #[error("it is not a regular file")]
    Kind(FileType),
    /// The kernel says no.
    #[error(transparent)]
    Io(io::Error),
}

impl Refused {
    /// True when there is nothing at the path.
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
