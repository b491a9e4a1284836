//! How far a running command is, for people to see: from the worker's own look at its output to whoever listens.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a command has written so far, as far as people care while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandProgress {
    /// Tests that its lines call passed.
    pub passed: u64,
    /// Tests that its lines call failed.
    pub failed: u64,
    /// The last line with something on it, without secrets by their shape; anything else may be in it.
    pub line: String,
}

type Hear = dyn Fn(&str, &CommandProgress) + Send + Sync;

/// Who is told of that; nobody by default.
#[derive(Clone, Default)]
pub struct ProgressListener {
    about: String,
    hear: Option<Arc<Hear>>,
}

impl ProgressListener {
    /// `hear` gets the name of the trial, nothing for the run's own tests.
    #[must_use]
    pub fn new(hear: impl Fn(&str, &CommandProgress) + Send + Sync + 'static) -> Self {
        Self { about: String::new(), hear: Some(Arc::new(hear)) }
    }

    /// The same for a trial of that name.
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
