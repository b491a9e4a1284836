//! What of a broken environment the planner is told.

use std::io;
use std::path::Path;

use crate::journal::{Outcome, StopReason};
use crate::planner::EnvironmentError;
use crate::workspace::{ApplyError, WorkspaceError};

pub(super) fn broken(message: impl Into<String>, hint: Option<String>) -> EnvironmentError {
    EnvironmentError { reason: StopReason::WorkerFailed, message: message.into(), hint }
}

/// A file of the run's folder can't be written or read.
pub(super) fn unkept(path: &Path, source: io::Error) -> EnvironmentError {
    from_workspace(&WorkspaceError::Io { action: "keep", path: path.to_owned(), source })
}

/// A disk that fails is nobody's fault, and the run goes on once a person has seen to it.
pub(super) fn reason(disk: bool) -> StopReason {
    if disk { StopReason::StorageFailed } else { StopReason::WorkerFailed }
}

impl From<WorkspaceError> for EnvironmentError {
    fn from(error: WorkspaceError) -> Self {
        from_workspace(&error)
    }
}

impl From<ApplyError> for EnvironmentError {
    fn from(error: ApplyError) -> Self {
        let reason = reason(error.outcome() == Outcome::Storage);
        Self { reason, ..broken(error.to_string(), Some(error.hint().to_owned())) }
    }
}

pub(super) fn from_workspace(error: &WorkspaceError) -> EnvironmentError {
    let reason = reason(error.outcome() == Outcome::Storage);
    EnvironmentError { reason, ..broken(error.to_string(), Some(error.hint())) }
}
