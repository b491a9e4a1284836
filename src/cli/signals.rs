//! What a terminal and other processes tell kcode while it waits for a person.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::failure::Failure;

/// How many listen.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);
/// When the last one stopped.
static STOPPED: Mutex<Option<Instant>> = Mutex::new(None);
/// Whoever stops listening because of a signal may be quicker than others who hear the same one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Whether anybody listens, or did when a signal came that is only being looked at.
pub fn are_heard() -> bool {
    let stopped = *STOPPED.lock().unwrap_or_else(PoisonError::into_inner);
    LISTENERS.load(Ordering::SeqCst) > 0 || stopped.is_some_and(|at| at.elapsed() < SAME_SIGNAL)
}

/// Counted while it is there.
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

/// Listens while a person is asked.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    window: Signal,
    _counted: Counted,
}

impl Signals {
    /// Begins to listen; whoever listens already still hears everything.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(anyhow::Error::from);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            window: listen(SignalKind::window_change())?,
            _counted: Counted::new(),
        })
    }

    /// Waits until kcode is asked to end.
    pub async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// Waits until kcode is asked to end (true), or the terminal has another size (false).
    pub async fn end_or_resize(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            _ = self.hangup.recv() => true,
            _ = self.window.recv() => false,
        }
    }

    /// Forgets a Ctrl-C that was meant for another program on the same terminal.
    ///
    /// # Errors
    /// As [`Signals::listen`].
    pub fn forget_interrupt(&mut self) -> Result<(), Failure> {
        self.interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
        Ok(())
    }
}
