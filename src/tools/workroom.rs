//! The world as a tool sees it: one folder, the run's logs, a way to run the tests, and what was read so far.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

use super::ledger::Ledger;
use super::{FatalToolError, TestRun};
use crate::settings::SecretFiles;

/// Runs the test command. The worker implements it; tools only ask.
pub trait TestRunner {
    /// Runs the command with `filter` as further arguments, each passed as it is.
    ///
    /// # Errors
    /// When the command can't be started.
    fn run(&self, filter: &[String]) -> Result<TestRun, FatalToolError>;
}

/// What every tool works on. Files are only ever opened through the two handles, so that neither `..` nor a link
/// leads out of them, whatever happens to the folder meanwhile.
pub struct Workroom {
    pub(super) view: Dir,
    pub(super) root: PathBuf,
    pub(super) logs: Dir,
    pub(super) tests: Option<Box<dyn TestRunner + Send + Sync>>,
    /// Which files aren't shown.
    pub(super) secrets: SecretFiles,
    ledger: Mutex<Ledger>,
}

impl Workroom {
    /// `view` is the handle of the folder at `root`; walking needs its path, opening only the handle. `logs` is the
    /// run's `logs/`, read only. Without `tests`, `run_tests` says that there is no command.
    #[must_use]
    pub fn new(view: Dir, root: PathBuf, logs: Dir, tests: Option<Box<dyn TestRunner + Send + Sync>>) -> Self {
        Self { view, root, logs, tests, secrets: SecretFiles::default(), ledger: Mutex::default() }
    }

    /// With the user's own rule which files of secrets may be shown.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles) -> Self {
        Self { secrets, ..self }
    }

    /// What the model has seen. A tool that panicked while it held the ledger left it whole: each change is one step.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the walk begins.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// Reads of one reply run side by side.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Workroom>();
};
