//! The front end of a run that nobody watches: lines on standard error, a sign of life, and the folder of artifacts.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::artifacts::Artifacts;
use crate::cli::output;
use crate::journal::{Applied, RunFolder, RunId};
use crate::render::closing;
use crate::run::{self, Failure, Front, Handed, LineReader, Next, consents::Beside};
use crate::sandbox::WorkerPlan;
use crate::text::counted;

pub(super) struct CiFront<'a> {
    artifacts: &'a Artifacts,
    events: Arc<Mutex<u64>>,
    /// Dropped with the front, which ends the thread.
    _heart: mpsc::Sender<()>,
}

impl<'a> CiFront<'a> {
    /// Says every `interval` that the run is at work.
    pub(super) fn new(artifacts: &'a Artifacts, interval: Duration) -> Self {
        let events = Arc::new(Mutex::new(0));
        let (heart, stopped) = mpsc::channel::<()>();
        let (seen, began) = (Arc::clone(&events), Instant::now());
        thread::spawn(move || {
            while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
                let events = *seen.lock().unwrap_or_else(PoisonError::into_inner);
                let seconds = began.elapsed().as_secs();
                output::say(&format!(
                    "kcode ci: at work for {seconds} s, {} so far",
                    counted(events as usize, "event")
                ));
            }
        });
        Self { artifacts, events, _heart: heart }
    }
}

impl Front for CiFront<'_> {
    fn talk(&self) -> fn(&str) {
        output::say
    }

    fn lines(&self) -> Option<LineReader> {
        let mut file = self.artifacts.events();
        let events = Arc::clone(&self.events);
        Some(Box::new(move |line| {
            file.line(line);
            *events.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }))
    }

    fn is_attended(&self) -> bool {
        false
    }

    fn ask<'a>(&'a self, _: &'a mut Beside, _: &'a WorkerPlan) -> LocalBoxFuture<'a, Result<(), Failure>> {
        async { Ok(()) }.boxed_local()
    }

    fn hand_over<'a>(&'a self, handed: Handed<'a>) -> LocalBoxFuture<'a, Result<Next, Failure>> {
        for trouble in handed.troubles {
            output::say(&trouble.to_string());
        }
        if let Some(report) = handed.report {
            output::say(&closing(report));
        }
        async { Ok(Next::Nothing) }.boxed_local()
    }

    fn applied(&self, _: &RunId, _: &Applied) {}

    fn cut_short(&self, folder: &RunFolder) {
        if let Ok(report) = run::load(folder) {
            output::say(&closing(&report));
        }
    }
}
