//! The commands that the environment runs: where, and what is made of what they leave.

use std::time::Duration;

use tokio::time::Instant;

use super::environment::RunEnvironment;
use super::environment_errors::{broken, reason, unkept};
use crate::planner::EnvironmentError;
use crate::sandbox::WorkerError;
use crate::settings::TestCommand;
use crate::testing::{failed_to_rename, read_results};
use crate::tools::TestRun;

/// The trial that confirms a pass, and the folder of its logs.
const AFRESH: &str = "afresh";
/// Without the run's own builds the tests take longer than they did in it. The run's own limit may be shorter.
pub(super) const AFRESH_PATIENCE: Duration = Duration::from_mins(10);

impl RunEnvironment {
    /// Adds what the runner said of its tests, and takes known secrets out of everything that it wrote.
    pub(super) fn finish(&self, run: &mut TestRun) -> Result<(), EnvironmentError> {
        let logs = self.folder.logs();
        let hidden = self.trials.hidden();
        read_results(run, &logs, &self.redactor, hidden).map_err(|error| unkept(&logs.join(&run.log), error))
    }

    /// Whether the model's `run` is of all tests of the command that verifies, came to its own end, and began in a view that held
    /// no more than the patch. One that an overlay let fail says nothing of the tests.
    pub(super) fn is_of_all_tests(&self, run: &TestRun) -> bool {
        let typed = self.tests.command.as_ref().map(|command| self.redactor.text(&command.to_string()).into_owned());
        let is_whole = run.stopped.is_none() && typed.is_some_and(|typed| typed == run.command);
        self.beside.is_empty() && is_whole && !failed_to_rename(run, &self.folder.logs())
    }

    /// Runs `command` in the run's own view.
    pub(super) async fn run(&self, command: &TestCommand) -> Result<TestRun, EnvironmentError> {
        let mut run = self.worker.run_command(command).await.map_err(|error| self.worker_failed(&error))?;
        self.finish(&mut run)?;
        Ok(run)
    }

    /// Runs the tests where nothing lies but the start and the patch; `None` when that can't be done here, or takes too long.
    ///
    /// The run's own view also holds what its commands left in folders that git ignores: builds, caches, and perhaps a test
    /// runner that was changed in place. None of that is in the patch, so that no pass may hang on it.
    pub(super) async fn run_afresh(&mut self) -> Option<TestRun> {
        let changes = self.written.changes.clone();
        let runs = self.trials.hold(AFRESH, changes, 1, Instant::now() + AFRESH_PATIENCE).await;
        runs.ok()?.tests.into_iter().next()
    }

    /// What the worker says goes on without secrets: only the broker knows which values are some.
    pub(super) fn worker_failed(&self, error: &WorkerError) -> EnvironmentError {
        let reason = reason(error.is_disk_failure());
        EnvironmentError { reason, ..broken(self.redactor.text(&error.to_string()), Some(error.hint())) }
    }
}
