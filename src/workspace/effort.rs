//! How much work one look at a view may be: commands of the run decide what lies there, and how much.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Folders within folders, at most. A patch has no use for what lies deeper.
pub(super) const MAX_DEPTH: usize = 256;
/// Bytes of a path below the root, at most; the kernel takes 4,096 for all of it.
pub(super) const MAX_PATH: usize = 3072;
/// Names that one look reads, at most.
const MAX_ENTRIES: u64 = 500_000;
/// Bytes of all paths that one look reads, at most; they are held in memory.
const MAX_BYTES: u64 = 128 << 20;

/// What one look has left.
pub(super) struct Effort<'s> {
    stop: &'s AtomicBool,
    entries: u64,
    bytes: u64,
}

/// Why a look ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    /// Whoever waited for it doesn't any more.
    Stopped,
    /// There is more than anybody looks at.
    TooMany,
}

impl From<Enough> for io::Error {
    /// Only of `Enough::Stopped` is a look's failure made.
    fn from(enough: Enough) -> Self {
        match enough {
            Enough::Stopped => io::ErrorKind::Interrupted.into(),
            Enough::TooMany => io::Error::other("there is more than can be looked at"),
        }
    }
}

impl<'s> Effort<'s> {
    /// Ends early when `stop` turns true.
    pub(super) fn new(stop: &'s AtomicBool) -> Self {
        Self { stop, entries: MAX_ENTRIES, bytes: MAX_BYTES }
    }

    /// Before any step that takes its time.
    pub(super) fn go_on(&self) -> Result<(), Enough> {
        if self.stop.load(Ordering::Relaxed) { Err(Enough::Stopped) } else { Ok(()) }
    }

    /// For each name that was read, with the length of its path.
    pub(super) fn entry(&mut self, path: usize) -> Result<(), Enough> {
        self.go_on()?;
        let left = (self.entries.checked_sub(1), self.bytes.checked_sub(path as u64));
        let (Some(entries), Some(bytes)) = left else { return Err(Enough::TooMany) };
        (self.entries, self.bytes) = (entries, bytes);
        Ok(())
    }
}
