//! A cancellation token for commands: a count of cancellations, and an eventfd that wakes the thread that watches a
//! command.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

/// The token that the worker and its command thread share.
#[derive(Debug)]
pub(super) struct CancellationToken {
    state: Mutex<GateState>,
    /// An eventfd that is readable once the current run has to end.
    event: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GateState {
    /// Number of cancellations so far; a run requested before the last one doesn't start.
    pub(super) cancelled: u64,
    /// Set when the worker ends, and never reset.
    pub(super) closed: bool,
}

impl CancellationToken {
    pub(super) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { state: Mutex::default(), event })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, GateState> {
        // The fields are set one at a time, so a panic leaves them valid.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readable once the current run has to end.
    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Resets the eventfd after the run has ended. A cancellation of the next run isn't lost: it also raised the count.
    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }

    pub(super) fn ring(&self) {
        // It fails only if the counter overflows.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }
}
