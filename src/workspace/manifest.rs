//! What every file of the view was at the start, in about 120 bytes a file.

use cap_std::fs::{Metadata, MetadataExt as _};

use super::paths::PathList;
use super::{FileMode, FileState};
use crate::journal::Digest;

/// Metadata that shows whether a file was written since it was copied.
///
/// The change time moves with every write, rename onto it and `chmod`, and unlike the modification time no program can
/// set it back; so the modification time isn't kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    inode: u64,
    changed_ns: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let changed_ns = metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec());
        Self { size: metadata.len(), inode: metadata.ino(), changed_ns }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// True when a later write could have the same stamp, because clocks of file systems tick slowly.
    pub(super) fn is_younger_than(&self, settled_ns: i64) -> bool {
        self.changed_ns >= settled_ns
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    pub(super) state: FileState,
    pub(super) stamp: Stamp,
    /// True when git tracks it.
    pub(super) tracked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Sorted.
    pub(super) paths: PathList,
    /// One entry a path; `None` for a file of the user's tree that was left out of the view.
    pub(super) files: Vec<Option<Copied>>,
    /// Nanoseconds since the epoch. Stamps from this time on can't prove that a file wasn't written since.
    pub(super) settled_ns: i64,
}

/// The manifest's entry for a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    File(Copied),
    /// It exists in the user's tree, but was left out of the view.
    LeftOut,
    Nothing,
}

impl Manifest {
    pub(super) fn start(&self, path: &[u8]) -> Start {
        match self.paths.find(path) {
            Some(index) => self.files[index].map_or(Start::LeftOut, Start::File),
            None => Start::Nothing,
        }
    }
}

impl Copied {
    pub(super) fn new(mode: FileMode, sha256: Digest, stamp: Stamp, tracked: bool) -> Self {
        Self { state: FileState { mode, sha256 }, stamp, tracked }
    }
}
