//! What a command may reach, and how a process limits itself to that.

use std::io;
use std::path::{Path, PathBuf};

use rustix::thread::set_no_new_privs;
use serde::{Deserialize, Serialize};

use super::seccomp::{self, Processes, Sockets};
use super::{landlock, limits};

/// The reach of a command. It is decided by the worker and entered by the process that becomes or keeps the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Domain {
    /// Folders that may be listed.
    pub(in crate::sandbox) listable: Vec<PathBuf>,
    /// What may be read and executed.
    pub(in crate::sandbox) readable: Vec<PathBuf>,
    /// What may be written as well.
    pub(in crate::sandbox) writable: Vec<PathBuf>,
    /// Private temporary folders that the run's logs lie in. They may be written only where a command can't reach the logs.
    pub(in crate::sandbox) above_logs: Vec<PathBuf>,
    /// The logs, which the worker writes and no command may.
    pub(in crate::sandbox) logs: PathBuf,
    /// Which sockets may be made.
    pub(in crate::sandbox) sockets: Sockets,
}

impl Domain {
    /// The same for a cell, in whose mounts `seal` has made the logs read-only.
    ///
    /// # Errors
    /// Those of `seal`.
    pub(in crate::sandbox) fn in_cell(&self, seal: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let mut domain = self.clone();
        if !domain.above_logs.is_empty() {
            seal(&domain.logs)?;
            domain.writable.append(&mut domain.above_logs);
        }
        Ok(domain)
    }

    /// Gives up everything else, for this thread and all that it starts, in sight of these `processes`. A layer that this
    /// kernel doesn't have is left out: the worker has reported that.
    ///
    /// # Errors
    /// When the kernel has a layer and refuses it.
    pub(in crate::sandbox) fn enter(&self, processes: Processes) -> io::Result<()> {
        limits::drop_capabilities()?;
        set_no_new_privs(true)?;
        landlock::enter_command_domain(self)?;
        if seccomp::is_there() {
            seccomp::enter(self.sockets, processes)?;
        }
        Ok(())
    }
}
