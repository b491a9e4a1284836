//! What a terminal and other processes tell kcode while it waits for a person.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::failure::Failure;

/// Listens while a person is asked.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    window: Signal,
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
