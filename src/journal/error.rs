//! Why a journal can't be written.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::holder::holder;
use super::is_disk_failure;

/// The journal can't be written; the run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A run belongs to one process at a time.
    #[error("run {run} is open in another kcode{}", pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    InUse {
        /// Its id.
        run: String,
        /// Who holds it, where the kernel tells.
        pid: Option<u32>,
    },
    /// Somebody was quicker.
    #[error("another kcode went on with run {run} a moment ago")]
    WentOn {
        /// Its id.
        run: String,
    },
    /// The file system refuses, or whoever watches over the journal.
    #[error("the journal {path} can't be written: {source}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl JournalError {
    /// The journal at `path` may not be written: whoever watches over it refuses what comes.
    #[must_use]
    pub fn refused(path: &Path, why: &str) -> Self {
        Self::Unwritable { path: path.to_owned(), source: io::Error::other(why.to_owned()) }
    }

    /// Another process holds the run whose journal is at `path`.
    #[must_use]
    pub fn in_use(path: &Path) -> Self {
        Self::InUse { run: run_of(path), pid: holder(path) }
    }

    /// The journal at `path` has grown since it was read.
    pub(super) fn went_on(path: &Path) -> Self {
        Self::WentOn { run: run_of(path) }
    }

    /// True when another process holds the run, or did a moment ago.
    #[must_use]
    pub const fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::WentOn { .. })
    }

    /// True when the disk is why.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        matches!(self, Self::Unwritable { source, .. } if is_disk_failure(source))
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "answer or end it there, then run this again",
            Self::WentOn { .. } => "run this again, to go by what it is now",
            Self::Unwritable { .. } => "free space on that disk, or set KCODE_HOME to another one",
        }
    }
}

/// A journal lies in a folder that is named as its run is.
fn run_of(path: &Path) -> String {
    path.parent().and_then(Path::file_name).unwrap_or(OsStr::new("?")).to_string_lossy().into_owned()
}
