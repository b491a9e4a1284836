//! The paths and sockets that a command may access, and how a process confines itself to them.

use std::io;
use std::path::{Path, PathBuf};

use rustix::thread::set_no_new_privs;
use serde::{Deserialize, Serialize};

use super::seccomp::{self, Processes, Sockets};
use super::{landlock, limits};

/// What a command may access. The worker decides it; the process that becomes or runs the command enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Domain {
    /// Folders that may be listed.
    pub(in crate::sandbox) listable: Vec<PathBuf>,
    /// Paths that may be read and executed.
    pub(in crate::sandbox) readable: Vec<PathBuf>,
    /// Paths that may also be written.
    pub(in crate::sandbox) writable: Vec<PathBuf>,
    /// Private temporary folders that contain the run's logs; writable only if the command can't reach the logs.
    pub(in crate::sandbox) above_logs: Vec<PathBuf>,
    /// The logs, which only the worker writes.
    pub(in crate::sandbox) logs: PathBuf,
    /// Sockets that may be created.
    pub(in crate::sandbox) sockets: Sockets,
}

impl Domain {
    /// The domain for a command in its own mount namespace, where `seal` has made the logs read-only.
    ///
    /// # Errors
    /// Those of `seal`.
    pub(in crate::sandbox) fn in_pid_namespace(&self, seal: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let mut domain = self.clone();
        if !domain.above_logs.is_empty() {
            seal(&domain.logs)?;
            domain.writable.append(&mut domain.above_logs);
        }
        Ok(domain)
    }

    /// Confines this thread and its children, while `processes` are visible. A layer that this kernel lacks is skipped;
    /// the worker has reported that.
    ///
    /// # Errors
    /// If the kernel has a layer and refuses it.
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
