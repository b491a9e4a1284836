//! A trial that stays open for any number of test runs.

use tokio::sync::watch;

use super::error::TrialError;
use super::sandbox::{TrialSandbox, unless};
use super::setup::Trials;
use crate::tools::TestRun;
use crate::workspace::ChangeSet;

/// A trial on the start state that stays open until [`Session::close`].
pub struct Session {
    trials: Trials,
    name: String,
    sandbox: TrialSandbox,
    called_off: watch::Receiver<bool>,
}

impl Session {
    /// Opens a session called `name`.
    ///
    /// # Errors
    /// If no view or worker can be made, or `called_off` becomes true. Nothing is left behind then.
    pub async fn open(trials: Trials, name: &str, called_off: watch::Receiver<bool>) -> Result<Self, TrialError> {
        let sandbox = trials.start(name, &ChangeSet::new(Vec::new()), called_off.clone()).await?;
        Ok(Self { trials, name: name.to_owned(), sandbox, called_off })
    }

    /// Runs the plan's tests: those that `filter` names, or all if it is empty.
    ///
    /// # Errors
    /// If the worker fails, or the trial is cancelled.
    pub async fn run(&self, filter: &[String]) -> Result<TestRun, TrialError> {
        let ran = async { Ok(self.sandbox.worker.run_tests(filter).await?) };
        let mut run = unless(self.called_off.clone(), ran).await?;
        self.trials.read(&mut run, &self.name)?;
        Ok(run)
    }

    /// Ends the trial and removes its folder.
    pub async fn close(self) {
        self.trials.end(&self.name, self.sandbox.worker, &self.called_off).await;
    }
}
