//! Ctrl-C and SIGTERM: the first asks the run to end in order, the second ends it at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::failure::Failure;

/// What a person has asked for so far.
pub struct Interrupts {
    /// Turns true at the first signal.
    pub asked: watch::Receiver<bool>,
    /// Turns true at the second.
    pub insisted: watch::Receiver<bool>,
}

impl Interrupts {
    /// Listens for signals from now on.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub fn listen() -> Result<Self, Failure> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let signals: Result<Vec<_>, _> = kinds.into_iter().map(signal).collect();
        let mut signals = signals.map_err(anyhow::Error::from)?;
        let (first, asked) = watch::channel(false);
        let (second, insisted) = watch::channel(false);
        tokio::spawn(async move {
            any(&mut signals).await;
            // Nobody listening any more is fine: the run is over.
            let _ = first.send(true);
            any(&mut signals).await;
            let _ = second.send(true);
            // The senders stay alive, so that waiting for them never ends by itself.
            std::future::pending::<()>().await;
        });
        Ok(Self { asked, insisted })
    }
}

/// Waits for one signal of any kind.
async fn any(signals: &mut [Signal]) {
    let waiting = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures_util::future::select_all(waiting).await;
}
