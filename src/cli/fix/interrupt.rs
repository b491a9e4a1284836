//! Ctrl-C and SIGTERM, as a value that turns true.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::failure::Failure;

/// Listens for both signals from now on.
///
/// # Errors
/// When a handler can't be installed.
pub fn listen() -> Result<watch::Receiver<bool>, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(anyhow::Error::from)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        // Nobody listening any more is fine: the run is over.
        let _ = sender.send(true);
        // The sender stays alive, so that waiting for it never ends by itself.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}
