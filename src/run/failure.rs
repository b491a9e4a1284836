//! How every command fails: what happened, what it means, what to do.

use std::fmt;

use crate::journal::{JournalError, Outcome};
use crate::settings::SettingsError;
use crate::text::sanitise_line;
use crate::workspace::WorkspaceError;

/// An error as people see it, with the exit code that it ends in.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Decides the exit code.
    pub outcome: Outcome,
    /// What happened, one sentence.
    pub message: String,
    /// What it is about: label and value, a line each.
    pub facts: Vec<(&'static str, String)>,
    pub hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(outcome: Outcome, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::bare(outcome, message) }
    }

    /// A failure with [`Outcome::Usage`].
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Outcome::Usage, message, hint)
    }

    /// A failure that nobody could act on beforehand.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::bare(Outcome::Internal, message)
    }

    fn bare(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), facts: Vec::new(), hint: None }
    }

    /// Adds a line of facts below the message.
    #[must_use]
    pub(crate) fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((label, value.into()));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", console::style("error:").red().bold().for_stderr(), sanitise_line(self.message.trim_end()))?;
        for (label, value) in &self.facts {
            write!(f, "\n  {label:<5} {}", sanitise_line(value))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", sanitise_line(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<anyhow::Error> for Failure {
    /// What no room could name better: the chain of causes in one line.
    fn from(error: anyhow::Error) -> Self {
        Self::internal(format!("{error:#}"))
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(Outcome::Config, error.to_string(), error.hint())
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        Self::new(error.outcome(), error.to_string(), error.hint())
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let outcome = match &error {
            error if error.is_in_use() => Outcome::Usage,
            error if error.is_disk_failure() => Outcome::Storage,
            _ => Outcome::Internal,
        };
        Self::new(outcome, error.to_string(), error.hint())
    }
}
