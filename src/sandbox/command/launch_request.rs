//! The messages to and from the process that runs a command.
//!
//! They travel over the socket that is the process's standard input until the command starts, so that neither the
//! length nor the characters of a path matter.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::WorkingFolder;
use crate::sandbox::{confine::Domain, protocol::encode};

/// From the worker's command thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToKeeper {
    /// The first message.
    Run(Box<LaunchRequest>),
    /// Asks the command's process group to terminate.
    End,
}

/// A command and its sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaunchRequest {
    /// What it may access; `None` for `--sandbox off`.
    pub(super) domain: Option<Domain>,
    /// Its working directory.
    pub(super) folder: WorkingFolder,
    pub(super) argv: Vec<String>,
    /// Variables in addition to the worker's.
    pub(super) environment: Vec<(String, String)>,
}

/// What a command's namespaces are prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct CellPlan<'a> {
    /// See [`LaunchRequest::domain`].
    pub(in crate::sandbox) domain: Option<&'a Domain>,
    /// The view that it starts in.
    pub(in crate::sandbox) view: &'a Path,
}

impl LaunchRequest {
    pub(super) fn cell_plan(&self) -> CellPlan<'_> {
        CellPlan { domain: self.domain.as_ref(), view: self.folder.view() }
    }
}

/// From the first process of the command's PID namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromKeeper {
    /// The PID namespace can't be set up, so nothing ran.
    Failed {
        /// Description for people.
        reason: String,
    },
    /// The command ended; processes that it left may still write.
    Ended {
        /// The wait status of wait(2).
        status: i32,
    },
}

/// Sends a message.
///
/// # Errors
/// If the other end is gone.
pub(super) fn tell<T: Serialize>(mut connection: &UnixStream, message: &T) -> io::Result<()> {
    connection.write_all(&encode(message).map_err(io::Error::other)?)
}
