//! A trial that stays open for as many runs of the tests as somebody wants in it.

use tokio::sync::watch;

use super::error::TrialError;
use super::sandbox::{TrialSandbox, unless};
use super::setup::Trials;
use crate::tools::TestRun;
use crate::workspace::ChangeSet;

/// A trial on the start state that stays open, until [`Session::close`].
pub struct Session {
    trials: Trials,
    name: String,
    sandbox: TrialSandbox,
    called_off: watch::Receiver<bool>,
}

impl Session {
    /// Opens one called `name`.
    ///
    /// # Errors
    /// When there can't be a view or a worker, or `called_off` turns true. Nothing is left behind then.
    pub async fn open(trials: Trials, name: &str, called_off: watch::Receiver<bool>) -> Result<Self, TrialError> {
        let sandbox = trials.start(name, &ChangeSet::new(Vec::new()), called_off.clone()).await?;
        Ok(Self { trials, name: name.to_owned(), sandbox, called_off })
    }

    /// Runs the tests of the plan: those that `filter` names, or all.
    ///
    /// # Errors
    /// When the worker fails, or the trial is called off.
    pub async fn run(&self, filter: &[String]) -> Result<TestRun, TrialError> {
        let ran = async { Ok(self.sandbox.worker.run_tests(filter).await?) };
        let mut run = unless(self.called_off.clone(), ran).await?;
        self.trials.read(&mut run, &self.name)?;
        Ok(run)
    }

    /// Ends it; nothing is left, or too much for the moment.
    pub async fn close(self) {
        self.trials.end(&self.name, self.sandbox.worker, &self.called_off).await;
    }
}
