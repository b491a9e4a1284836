//! The trait behind which each tool stands.

use super::{Observation, Workroom};

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
    fn run(&self, room: &Workroom, arguments: &str) -> Result<Observation, ToolError>;
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
#[error("{0}")]
pub struct FatalToolError(pub String);

/// A refusal that the model can act upon.
pub(super) fn tell<T>(text: impl Into<String>) -> Result<T, ToolError> {
    Err(ToolError::Tell(text.into()))
}
