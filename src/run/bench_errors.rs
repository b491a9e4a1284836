//! What of a broken bench the planner is told.

use std::io;
use std::path::Path;

use crate::journal::{Outcome, StopReason};
use crate::planner::BenchError;
use crate::workspace::{ApplyError, WorkspaceError};

pub(super) fn broken(message: impl Into<String>, hint: Option<String>) -> BenchError {
    BenchError { reason: StopReason::WorkerFailed, message: message.into(), hint }
}

/// A file of the run's folder can't be written or read.
pub(super) fn unkept(path: &Path, source: io::Error) -> BenchError {
    from_workspace(&WorkspaceError::Io { action: "keep", path: path.to_owned(), source })
}

/// A disk that fails is nobody's fault, and the run goes on once a person has seen to it.
pub(super) fn reason(disk: bool) -> StopReason {
    if disk { StopReason::StorageFailed } else { StopReason::WorkerFailed }
}

impl From<WorkspaceError> for BenchError {
    fn from(error: WorkspaceError) -> Self {
        from_workspace(&error)
    }
}

impl From<ApplyError> for BenchError {
    fn from(error: ApplyError) -> Self {
        let reason = reason(error.outcome() == Outcome::Storage);
        Self { reason, ..broken(error.to_string(), Some(error.hint().to_owned())) }
    }
}

pub(super) fn from_workspace(error: &WorkspaceError) -> BenchError {
    let reason = reason(error.outcome() == Outcome::Storage);
    BenchError { reason, ..broken(error.to_string(), Some(error.hint())) }
}
