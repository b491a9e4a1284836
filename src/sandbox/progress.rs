//! Progress of a running command, for display: from the worker's view of its output to the listener.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a command has printed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandProgress {
    /// Passed tests, counted from the output.
    pub passed: u64,
    /// Failed tests, counted from the output.
    pub failed: u64,
    /// The last line that isn't blank, redacted; otherwise arbitrary text.
    pub line: String,
}

type Hear = dyn Fn(&str, &CommandProgress) + Send + Sync;

/// Receives the progress; the default ignores it.
#[derive(Clone, Default)]
pub struct ProgressListener {
    about: String,
    hear: Option<Arc<Hear>>,
}

impl ProgressListener {
    /// `hear` gets the name of the trial, empty for the run's own tests.
    #[must_use]
    pub fn new(hear: impl Fn(&str, &CommandProgress) + Send + Sync + 'static) -> Self {
        Self { about: String::new(), hear: Some(Arc::new(hear)) }
    }

    /// The same listener for the trial of that name.
    #[must_use]
    pub fn about(&self, trial: &str) -> Self {
        Self { about: trial.to_owned(), hear: self.hear.clone() }
    }

    pub(super) fn hears(&self, progress: &CommandProgress) {
        if let Some(hear) = &self.hear {
            hear(&self.about, progress);
        }
    }
}

impl fmt::Debug for ProgressListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("about", &self.about).finish_non_exhaustive()
    }
}
