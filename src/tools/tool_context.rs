//! The world as a tool sees it: one folder, the run's logs, a way to run the tests, and what was read so far.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

use super::encoding::{self, Decoded, Encoding};
use super::read_tracker::ReadTracker;
use super::text::NotText;
use super::{FatalToolError, TestRun};
use crate::settings::{RepositoryGate, SecretFiles};

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
pub struct ToolContext {
    /// Before the view.
    pub(super) gate: RepositoryGate,
    pub(super) root: PathBuf,
    pub(super) logs: Dir,
    pub(super) tests: Option<Box<dyn TestRunner + Send + Sync>>,
    tracker: Mutex<ReadTracker>,
    /// Of files that aren't UTF-8, as they were first read.
    encodings: Mutex<HashMap<String, Encoding>>,
}

impl ToolContext {
    /// `view` is the handle of the folder at `root`; walking needs its path, opening only the handle. `logs` is the
    /// run's `logs/`, read only. Without `tests`, `run_tests` says that there is no command.
    #[must_use]
    pub fn new(view: Dir, root: PathBuf, logs: Dir, tests: Option<Box<dyn TestRunner + Send + Sync>>) -> Self {
        Self {
            gate: RepositoryGate::new(view),
            root,
            logs,
            tests,
            tracker: Mutex::default(),
            encodings: Mutex::default(),
        }
    }

    /// With the user's own rule which files of secrets may be shown, and the inodes of secrets outside that have several
    /// names.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles, elsewhere: Vec<u64>) -> Self {
        Self { gate: self.gate.with_secrets(secrets).with_secrets_elsewhere(elsewhere), ..self }
    }

    /// The view's handle: for what is written. What is read goes through the gate.
    pub(super) fn view(&self) -> &Dir {
        self.gate.root()
    }

    /// What the model has seen. A tool that panicked while it held the ledger left it whole: each change is one step.
    pub(super) fn tracker(&self) -> MutexGuard<'_, ReadTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of the file `name` as text; an encoding that was guessed once is kept to while it fits.
    ///
    /// # Errors
    /// Says what they are instead.
    pub(super) fn decode<'a>(&self, name: &str, bytes: &'a [u8]) -> Result<Decoded<'a>, NotText> {
        let mut encodings = self.encodings.lock().unwrap_or_else(PoisonError::into_inner);
        let decoded = encoding::read(bytes, encodings.get(name).copied())?;
        if decoded.encoding != Encoding::Utf8 {
            encodings.insert(name.to_owned(), decoded.encoding);
        }
        Ok(decoded)
    }

    /// Where the walk begins.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// Reads of one reply run side by side.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<ToolContext>();
};
