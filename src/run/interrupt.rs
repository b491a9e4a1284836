//! Ctrl-C and SIGTERM: the first asks the run to end in order, the second ends it at once.
//!
//! A thread of its own listens, so that a main thread that waits for a file or a disk holds up neither: when it doesn't come round, or
//! an end in order takes too long, the process ends as if it had been killed. Its children end with it, and the run can be resumed.

use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{failure::Failure, signals};
use crate::journal::Outcome;

/// How long an end in order may take before it is insisted on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the main thread may be busy with one thing after the first signal.
const BUSY: Duration = Duration::from_secs(5);
/// How long what is done at the second signal may take.
const LAST: Duration = Duration::from_secs(3);
const OFTEN: Duration = Duration::from_millis(500);

/// What a person has asked for so far.
pub(crate) struct Interrupts {
    /// Turns true at the first signal.
    pub asked: watch::Receiver<bool>,
    /// Turns true at the second. As long as it is kept, there is something to end.
    pub insisted: watch::Receiver<bool>,
}

impl Interrupts {
    /// Listens for signals from now on.
    ///
    /// # Errors
    /// When a handler can't be installed.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let main = Handle::current();
        let (first, asked) = watch::channel(false);
        let (second, insisted) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
        // Before the thread starts: a signal from now on is heard.
        let signals = {
            let _inside = runtime.enter();
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            kinds.into_iter().map(signal).collect::<Result<Vec<_>, _>>()
        };
        let listener = SignalListener { signals: signals.map_err(anyhow::Error::from)?, main, first, second };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listener.listen()))
            .map_err(anyhow::Error::from)?;
        Ok(Self { asked, insisted })
    }
}

struct SignalListener {
    signals: Vec<Signal>,
    main: Handle,
    first: watch::Sender<bool>,
    second: watch::Sender<bool>,
}

impl SignalListener {
    async fn listen(mut self) {
        loop {
            self.any().await;
            if !self.is_over() {
                self.first.send_replace(true);
                self.insist_in_time().await;
                sleep(LAST).await;
            }
            // A review has ears of its own.
            if !self.is_over() || !signals::are_heard() {
                leave();
            }
        }
    }

    /// Insists at the next signal, or when nothing has come of the first.
    async fn insist_in_time(&mut self) {
        let limit = Instant::now() + PATIENCE;
        while Instant::now() < limit && !self.is_over() {
            let again = tokio::select! {
                () = self.any() => true,
                () = sleep(OFTEN) => false,
            };
            if again {
                break;
            }
            // Whatever runs there comes after what the main thread is at.
            let turn = self.main.spawn(async {});
            if timeout(BUSY, turn).await.is_err() {
                break;
            }
        }
        self.second.send_replace(true);
    }

    fn is_over(&self) -> bool {
        self.second.is_closed()
    }

    async fn any(&mut self) {
        let waiting = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(waiting).await;
    }
}

#[expect(clippy::exit, reason = "the main thread may be waiting for something that never comes")]
fn leave() {
    std::process::exit(Outcome::Interrupted.exit_code().into());
}
