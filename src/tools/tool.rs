//! The trait that each tool implements.

use std::io;

use super::plain_words::in_words;
use super::{Observation, ToolContext};
use crate::journal::is_disk_failure;

/// Whether a tool may run concurrently with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing; calls of one reply run concurrently.
    Read,
    /// May change the view; runs alone.
    Write,
}

/// A tool that the model may call.
pub trait Tool: Sync {
    /// The name in `tools/NAME.json`.
    fn name(&self) -> &'static str;

    /// Whether calls may run concurrently.
    fn access(&self) -> Access;

    /// Executes a call; `arguments` is the JSON text as the model wrote it.
    ///
    /// # Errors
    /// [`ToolError::Tell`] if the model should call differently, [`ToolError::Fatal`] if no call can help.
    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError>;
}

/// Why a tool call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// A message for the model: what was received, what is expected, one next step.
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
    /// Description for people.
    pub message: String,
    /// Whether the disk is the cause (full, or an I/O error).
    pub disk: bool,
}

impl FatalToolError {
    /// A failure unrelated to the disk.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), disk: false }
    }

    /// A file operation that failed.
    #[must_use]
    pub fn io(what: &str, error: &io::Error) -> Self {
        Self { message: format!("{what}: {}", in_words(error)), disk: is_disk_failure(error) }
    }
}

/// A refusal that the model can act on.
pub(super) fn tell<T>(text: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::Tell(text.into()))
}
