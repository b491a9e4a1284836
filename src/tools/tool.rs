//! The trait behind which each tool stands.

use std::io;

use super::plain_words::in_words;
use super::{Observation, ToolContext};
use crate::journal::is_disk_failure;

/// Whether a tool may run beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing; calls of one reply run together.
    Read,
    /// May change the view; runs alone.
    Write,
}

/// One thing that the model may ask for.
pub trait Tool: Sync {
    /// The name in `tools/NAME.json`.
    fn name(&self) -> &'static str;

    /// Whether calls may run beside others.
    fn access(&self) -> Access;

    /// Does what `arguments` (the JSON text as the model wrote it) ask for.
    ///
    /// # Errors
    /// [`ToolError::Tell`] when the model should call differently, [`ToolError::Fatal`] when no call can help.
    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError>;
}

/// Why a tool did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// For the model: what was received, what is expected, one next step.
    #[error("{0}")]
    Tell(String),
    /// The run can't go on.
    #[error(transparent)]
    Fatal(#[from] FatalToolError),
}

/// A failure that no other call could avoid, such as a full disk; the message is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FatalToolError {
    /// What happened.
    pub message: String,
    /// True when the disk is why.
    pub disk: bool,
}

impl FatalToolError {
    /// A failure that the disk has nothing to do with.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), disk: false }
    }

    /// A file operation that failed; the disk may be why.
    #[must_use]
    pub fn io(what: &str, error: &io::Error) -> Self {
        Self { message: format!("{what}: {}", in_words(error)), disk: is_disk_failure(error) }
    }
}

/// A refusal that the model can act upon.
pub(super) fn tell<T>(text: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::Tell(text.into()))
}
