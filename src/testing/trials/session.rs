//! A trial that stays open for as many commands as somebody wants to run in it.

use std::path::PathBuf;

use tokio::sync::watch;

use super::{TrialError, TrialSandbox, TrialView, Trials, unless};
use crate::sandbox::Worker;
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, remove_tree_soon};

/// A trial that stays open, until [`Session::close`].
pub struct Session {
    trials: Trials,
    folder: PathBuf,
    worker: Worker,
    _view: TrialView,
    called_off: watch::Receiver<bool>,
}

impl Session {
    /// Runs the tests of the trial's plan: those that `filter` names, or all.
    ///
    /// # Errors
    /// When the worker fails, or the trial is called off.
    pub async fn run(&self, filter: &[String]) -> Result<TestRun, TrialError> {
        unless(self.called_off.clone(), async { Ok(self.worker.run_tests(filter).await?) }).await
    }

    /// Ends it; nothing is left, or too much for the moment.
    pub async fn close(self) {
        self.trials.end(self.worker).await;
        let folder = self.folder;
        // What can't be removed now goes with what else killed runs leave.
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
    }
}

impl Trials {
    /// A view of the start state with a worker behind the wall, for as many commands as somebody wants to run in it.
    ///
    /// # Errors
    /// As [`Trials::hold`].
    pub async fn open(&self, name: &str, called_off: watch::Receiver<bool>) -> Result<Session, TrialError> {
        let folder = self.folder.join(name);
        let nothing = ChangeSet::new(Vec::new());
        match self.enclosure(&folder, name, &nothing, called_off.clone()).await {
            Ok(TrialSandbox { worker, view }) => {
                Ok(Session { trials: self.clone(), folder, worker, _view: view, called_off })
            }
            Err(error) => {
                let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
                Err(error)
            }
        }
    }
}
