//! Why a trial could not be held.

use std::io;

use crate::sandbox::WorkerError;
use crate::workspace::{ApplyError, WorkspaceError};

/// A trial that could not be held.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Its view can't be made.
    #[error(transparent)]
    View(#[from] WorkspaceError),
    /// The changes don't fit the tree any more.
    #[error(transparent)]
    Changes(#[from] ApplyError),
    /// Its worker failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Its folder or its logs can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The tests write something else into the tree each time.
    #[error("each run of the tests changes the tree")]
    Restless,
    /// The run ended first.
    #[error("called off")]
    CalledOff,
}
