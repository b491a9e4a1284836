//! What a process that keeps a command, or is to become it, is told, and what it tells.
//!
//! It travels over the socket that is the process's standard input until the command starts, so
//! that neither the length of a path nor its characters matter.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

use super::folder::WorkingFolder;
use crate::sandbox::{confine::Domain, protocol::encode};

/// From the worker's thread for commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToKeeper {
    /// The first message: what to run.
    Run(Box<LaunchRequest>),
    /// Ask the command's process group to end.
    End,
}

/// A command and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaunchRequest {
    /// What it may reach; `None` after `--sandbox off`.
    pub(super) domain: Option<Domain>,
    /// Where it starts.
    pub(super) folder: WorkingFolder,
    /// The program and its arguments.
    pub(super) argv: Vec<String>,
    /// Variables that it has beside the worker's.
    pub(super) environment: Vec<(String, String)>,
}

/// What a cell says of its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromKeeper {
    /// The cell can't be made, so nothing ran.
    Failed {
        /// Why.
        reason: String,
    },
    /// The command ended with this wait status; what it left running may still write.
    Ended {
        /// As wait(2) gives it.
        status: i32,
    },
}

/// Sends a message as a whole.
///
/// # Errors
/// When the other end is gone.
pub(super) fn tell<T: Serialize>(mut connection: &UnixStream, message: &T) -> io::Result<()> {
    connection.write_all(&encode(message).map_err(io::Error::other)?)
}
