//! What a run notes for whoever checks it later: what its tests were run in, what each of them said, and why a part is missing.

use std::io;
use std::path::PathBuf;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::start_state::results_of;
use crate::evidence::{Baseline, KeptResults, Verdicts};
use crate::journal::{BaselineMissing, Event, ResultsKept, RunFolder, TestEnvironment};
use crate::tools::TestRun;

/// The certificate of one run, as it comes about.
pub struct Certificate {
    /// Looked at in the background, because programs are large; `None` once it was told, or when there are no tests.
    environment: Option<JoinHandle<Option<TestEnvironment>>>,
    results: PathBuf,
    missing: Option<String>,
}

impl Certificate {
    /// For a run in `folder`; `look` is done once `asked` turns true, and is `None` when there are no tests.
    pub fn begin<L>(folder: &RunFolder, mut asked: watch::Receiver<bool>, look: Option<L>) -> Self
    where
        L: FnOnce() -> TestEnvironment + Send + 'static,
    {
        let environment = look.map(|look| {
            tokio::spawn(async move {
                asked.wait_for(|asked| *asked).await.ok()?;
                tokio::task::spawn_blocking(look).await.ok()
            })
        });
        Self { environment, results: folder.results(), missing: None }
    }

    /// What `runs`, all on the tree as it stands, add to it.
    ///
    /// # Errors
    /// When the single results can't be kept.
    pub async fn add(&mut self, before: Result<&Baseline, &str>, runs: &[TestRun]) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        if let Some(looking) = self.environment.take() {
            // Without it the report says that it isn't known.
            events.extend(looking.await.ok().flatten().map(Event::TestEnvironment));
        }
        if let Err(reason) = before
            && self.missing.as_deref() != Some(reason)
        {
            self.missing = Some(reason.to_owned());
            events.push(Event::BaselineMissing(BaselineMissing { reason: reason.to_owned() }));
        }
        let before = before.ok().and_then(|baseline| Verdicts::of(&baseline.results()));
        let sha256 = KeptResults::new(before, Verdicts::of(&results_of(runs))).save(&self.results)?;
        events.push(Event::ResultsKept(ResultsKept { path: RunFolder::RESULTS.to_owned(), sha256 }));
        Ok(events)
    }
}
