//! Why nothing was published.

use crate::journal::Outcome;

/// What happened, in which exit code it ends, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PublishError {
    /// Decides the exit code.
    pub outcome: Outcome,
    /// What happened, one sentence.
    pub message: String,
    /// What can be done about it.
    pub hint: String,
    /// The status of the platform's answer, if that is the reason.
    pub status: Option<u16>,
}

impl PublishError {
    pub(super) fn new(outcome: Outcome, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), hint: hint.into(), status: None }
    }

    /// What the agent's job left can't be published.
    pub(super) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, message, hint)
    }
}
