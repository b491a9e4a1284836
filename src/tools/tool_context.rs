//! What a tool works on: the view, the run's logs, the test command, and what the model has read so far.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;

use super::encoding::{self, Decoded, Encoding};
use super::read_tracker::ReadTracker;
use super::text::NotText;
use super::{FatalToolError, TestRun};
use crate::settings::{RepositoryGate, SecretFiles};

/// Runs the test command. The worker implements it.
pub trait TestRunner {
    /// Runs the command with `filter` as additional arguments, each passed unchanged.
    ///
    /// # Errors
    /// If the command can't be started.
    fn run(&self, filter: &[String]) -> Result<TestRun, FatalToolError>;
}

/// Shared by all tools. Files are opened only through the two directory handles, so that neither `..` nor a link leads
/// out of them, whatever happens to the folders meanwhile.
pub struct ToolContext {
    /// Checks every path that is read in the view.
    pub(super) gate: RepositoryGate,
    pub(super) root: PathBuf,
    pub(super) logs: Dir,
    pub(super) tests: Option<Box<dyn TestRunner + Send + Sync>>,
    tracker: Mutex<ReadTracker>,
    /// Encodings of files that aren't UTF-8, as first detected.
    encodings: Mutex<HashMap<String, Encoding>>,
}

impl ToolContext {
    /// `view` is the handle of the folder at `root`: walking needs the path, opening only the handle. `logs` is the
    /// run's `logs/`, read only. Without `tests`, `run_tests` answers that there is no command.
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

    /// Adds the user's rule for readable files of secrets, and the inodes of hard-linked secrets outside the view.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles, elsewhere: Vec<u64>) -> Self {
        Self { gate: self.gate.with_secrets(secrets).with_secrets_elsewhere(elsewhere), ..self }
    }

    /// The view's handle, for writing; reads go through the gate.
    pub(super) fn view(&self) -> &Dir {
        self.gate.root()
    }

    /// What the model has seen. A panic can't leave it inconsistent, because each change is one step.
    pub(super) fn tracker(&self) -> MutexGuard<'_, ReadTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes the file `name`; an encoding that was detected once is kept while it fits.
    ///
    /// # Errors
    /// What the bytes are instead of text.
    pub(super) fn decode<'a>(&self, name: &str, bytes: &'a [u8]) -> Result<Decoded<'a>, NotText> {
        let mut encodings = self.encodings.lock().unwrap_or_else(PoisonError::into_inner);
        let decoded = encoding::read(bytes, encodings.get(name).copied())?;
        if decoded.encoding != Encoding::Utf8 {
            encodings.insert(name.to_owned(), decoded.encoding);
        }
        Ok(decoded)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// Calls that read run concurrently.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<ToolContext>();
};
