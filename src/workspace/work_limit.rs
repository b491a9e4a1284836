//! Bounds the work of one comparison of a view: commands of the run decide what lies there, and how much.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Maximum nesting of folders. A patch has no use for what lies deeper.
pub(super) const MAX_DEPTH: usize = 256;
/// Maximum bytes of a path below the root; the kernel takes 4,096 for the whole path.
pub(super) const MAX_PATH: usize = 3072;
/// Maximum number of names that one comparison reads.
const MAX_ENTRIES: u64 = 500_000;
/// Maximum total bytes of the paths that one comparison reads; they are held in memory.
const MAX_BYTES: u64 = 128 << 20;

/// What remains of these limits in one comparison.
pub(super) struct Effort<'s> {
    stop: &'s AtomicBool,
    entries: u64,
    bytes: u64,
}

/// Why a comparison ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    /// The caller cancelled it.
    Stopped,
    /// A limit was exceeded.
    TooMany,
}

impl From<Enough> for io::Error {
    /// Only `Enough::Stopped` fails a comparison; callers record `Enough::TooMany` as a gap.
    fn from(enough: Enough) -> Self {
        match enough {
            Enough::Stopped => io::ErrorKind::Interrupted.into(),
            Enough::TooMany => io::Error::other("there is more than can be looked at"),
        }
    }
}

impl<'s> Effort<'s> {
    pub(super) fn new(stop: &'s AtomicBool) -> Self {
        Self { stop, entries: MAX_ENTRIES, bytes: MAX_BYTES }
    }

    /// Returns an error once `stop` is set; called before each step that takes time.
    pub(super) fn go_on(&self) -> Result<(), Enough> {
        if self.stop.load(Ordering::Relaxed) { Err(Enough::Stopped) } else { Ok(()) }
    }

    /// Counts one name that was read; `path` is the length of its path in bytes.
    pub(super) fn entry(&mut self, path: usize) -> Result<(), Enough> {
        self.go_on()?;
        let left = (self.entries.checked_sub(1), self.bytes.checked_sub(path as u64));
        let (Some(entries), Some(bytes)) = left else { return Err(Enough::TooMany) };
        (self.entries, self.bytes) = (entries, bytes);
        Ok(())
    }
}
