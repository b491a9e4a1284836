//! Reasons why a trial failed to run.

use std::io;

use crate::sandbox::WorkerError;
use crate::workspace::{ApplyError, WorkspaceError};

/// Why a trial could not run.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The view can't be made.
    #[error(transparent)]
    View(#[from] WorkspaceError),
    /// The changes no longer apply to the tree.
    #[error(transparent)]
    Changes(#[from] ApplyError),
    /// The worker failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The trial's folder or logs can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Each run of the tests changes the tree again.
    #[error("each run of the tests changes the tree")]
    Restless,
    /// The trial was cancelled before it ended.
    #[error("cancelled")]
    CalledOff,
}
