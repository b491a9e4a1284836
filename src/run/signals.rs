//! What a terminal and other processes tell kcode while it waits for a person.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{getpgrp, kill_current_process_group};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;

/// Number of listeners.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);
/// Time at which the last listener stopped.
static STOPPED: Mutex<Option<Instant>> = Mutex::new(None);
/// Whoever stops listening because of a signal may be quicker than others who hear the same one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Whether anybody listens, or did when a signal came that is only being looked at.
pub(super) fn are_heard() -> bool {
    let stopped = *STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
    LISTENERS.load(Ordering::SeqCst) > 0 || stopped.is_some_and(|at| at.elapsed() < SAME_SIGNAL)
}

/// The kernel stops a job long before.
const STOPS_WITHIN: Duration = Duration::from_millis(200);

/// Counts as a listener until dropped.
struct Counted;

impl Counted {
    fn new() -> Self {
        LISTENERS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *STOPPED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        LISTENERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Signals while a question is shown.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    window: Signal,
    continued: Signal,
    _counted: Counted,
}

/// What a terminal or another process tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    End,
    Resized,
    /// kcode was stopped and goes on: others may have had the terminal meanwhile.
    Continued,
}

impl Signals {
    /// Begins to listen; whoever listens already still hears everything.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(anyhow::Error::from);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            window: listen(SignalKind::window_change())?,
            continued: listen(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            _counted: Counted::new(),
        })
    }

    pub(crate) async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    pub(crate) async fn next(&mut self) -> News {
        tokio::select! {
            _ = self.interrupt.recv() => News::End,
            _ = self.terminate.recv() => News::End,
            _ = self.hangup.recv() => News::End,
            _ = self.window.recv() => News::Resized,
            _ = self.continued.recv() => News::Continued,
        }
    }

    /// Stops kcode and the rest of its job, as Ctrl-Z does where it is no key, and waits until it goes on. False where `terminal`
    /// isn't this job's, so that nobody could have it go on.
    pub(crate) async fn suspend(&mut self, terminal: &OwnedFd) -> bool {
        let is_ours = tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp());
        if !is_ours || kill_current_process_group(rustix::process::Signal::TSTP).is_err() {
            return false;
        }
        // A job that no shell looks after isn't stopped by the kernel.
        tokio::select! {
            _ = self.continued.recv() => {}
            () = tokio::time::sleep(STOPS_WITHIN) => {}
        }
        true
    }

    /// Forgets a Ctrl-C that was meant for another program on the same terminal.
    ///
    /// # Errors
    /// As [`Signals::listen`].
    pub(crate) fn forget_interrupt(&mut self) -> Result<(), Failure> {
        self.interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
        Ok(())
    }
}
