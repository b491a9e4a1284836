//! Whether commands may run: a count of cancellations, and a descriptor that wakes whoever watches one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

/// Whether commands may run.
#[derive(Debug)]
pub(super) struct CancellationToken {
    state: Mutex<GateState>,
    /// Readable once the run that is on has to end.
    bell: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GateState {
    /// How often runs were cancelled: a run that was asked for before the last time doesn't start.
    pub(super) cancelled: u64,
    /// Set for good when the worker ends.
    pub(super) closed: bool,
}

impl CancellationToken {
    pub(super) fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { state: Mutex::default(), bell })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, GateState> {
        // Numbers that are set one at a time can't be left half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readable once the run that is on has to end.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Whoever the bell was rung for has ended. A ring for the next run changed the count that is compared then.
    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    pub(super) fn ring(&self) {
        // It fails only when the bell has been rung more often than a number can count.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}
