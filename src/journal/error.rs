//! Errors of writing a journal.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::holder::holder;
use super::is_disk_failure;

/// The journal can't be written, so the run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the run open.
    #[error("run {run} is open in another kcode{}", pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    InUse {
        /// Run id.
        run: String,
        /// Its pid, if the kernel tells.
        pid: Option<u32>,
    },
    /// Another process continued the run since its journal was read.
    #[error("another kcode went on with run {run} a moment ago")]
    WentOn {
        /// Run id.
        run: String,
    },
    /// The file system, or a watcher of the journal, refuses the write.
    #[error("the journal {path} can't be written: {source}")]
    Unwritable {
        /// Path of the journal.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl JournalError {
    /// A watcher of the journal at `path` refuses further events.
    #[must_use]
    pub fn refused(path: &Path, why: &str) -> Self {
        Self::Unwritable { path: path.to_owned(), source: io::Error::other(why.to_owned()) }
    }

    /// Another process has the journal at `path` locked.
    #[must_use]
    pub fn in_use(path: &Path) -> Self {
        Self::InUse { run: run_of(path), pid: holder(path) }
    }

    /// The journal at `path` has grown since it was read.
    pub(super) fn went_on(path: &Path) -> Self {
        Self::WentOn { run: run_of(path) }
    }

    /// True if another process has the run open, or had a moment ago.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::WentOn { .. })
    }

    /// True if the disk is the cause.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        matches!(self, Self::Unwritable { source, .. } if is_disk_failure(source))
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "answer or end it there, then run this again",
            Self::WentOn { .. } => "run this again to continue from its current state",
            Self::Unwritable { .. } if self.is_disk_failure() => {
                "free space on that disk; new runs can be kept on another one, which KCODE_HOME names"
            }
            Self::Unwritable { .. } => {
                "check the permissions of that file and of the folders around it, then try again"
            }
        }
    }
}

/// A run's id is the name of the folder that holds its journal.
fn run_of(path: &Path) -> String {
    path.parent().and_then(Path::file_name).unwrap_or(OsStr::new("?")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_is_told_to_be_freed() {
        let of = |source| JournalError::Unwritable { path: "/j".into(), source }.hint();
        assert!(of(io::Error::from_raw_os_error(libc::ENOSPC)).starts_with("free space"));
        assert!(of(io::ErrorKind::PermissionDenied.into()).starts_with("check the permissions"));
    }
}
