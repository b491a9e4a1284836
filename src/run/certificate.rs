//! What a run notes for whoever checks it later: what its tests were run in, what each of them said, and why a part is missing.

use std::io;
use std::path::PathBuf;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::open_run::OpenRun;
use super::run_spec::RunSpec;
use super::start_state::results_of;
use crate::journal::{BaselineMissing, Event, ResultsKept, RunFolder, TestEnvironment};
use crate::sandbox;
use crate::settings::{Redactor, TestCommand};
use crate::testing::{self, Baseline, KeptResults, Verdicts};
use crate::tools::TestRun;

/// The certificate of one run, as it comes about.
pub(super) struct Certificate {
    /// Looked at in the background, because programs are large; `None` once it was told, or when there are no tests.
    environment: Option<JoinHandle<Option<TestEnvironment>>>,
    probe: Option<EnvironmentProbe>,
    asked: watch::Receiver<bool>,
    results: PathBuf,
    missing: Option<String>,
}

/// What a look at what the tests run in needs.
struct EnvironmentProbe {
    root: PathBuf,
    /// Names of environment variables that commands get.
    variables: Vec<String>,
    /// A person's command may have a secret in it.
    redactor: Redactor,
}

impl Certificate {
    /// That of an open run. What `tests` run in is looked at once the first request has left.
    pub(super) fn new(spec: &RunSpec<'_>, open: &OpenRun, tests: Option<&TestCommand>, redactor: &Redactor) -> Self {
        let probe = EnvironmentProbe {
            root: spec.repository.root().to_owned(),
            variables: sandbox::variables(&spec.settings.child_env.value),
            redactor: redactor.clone(),
        };
        let (probe, asked, results) = (Some(probe), open.asked.subscribe(), open.folder.results());
        let mut certificate = Self { environment: None, probe, asked, results, missing: None };
        if let Some(command) = tests {
            certificate.look(command);
        }
        certificate
    }

    /// Looks at what `command` runs in, the first time that there is one.
    pub(super) fn look(&mut self, command: &TestCommand) {
        let Some(EnvironmentProbe { root, variables, redactor }) = self.probe.take() else { return };
        let (command, mut asked) = (command.clone(), self.asked.clone());
        let look = move || {
            let mut seen = testing::environment(&command, &root, variables);
            seen.command.words.iter_mut().for_each(|word| redactor.clean(word));
            seen
        };
        self.environment = Some(tokio::spawn(async move {
            asked.wait_for(|asked| *asked).await.ok()?;
            tokio::task::spawn_blocking(look).await.ok()
        }));
    }

    /// What `runs`, all on the tree as it stands, add to it.
    ///
    /// # Errors
    /// When the single results can't be kept.
    pub(super) async fn add(&mut self, before: Result<&Baseline, &str>, runs: &[TestRun]) -> io::Result<Vec<Event>> {
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
