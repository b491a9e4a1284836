//! The process that creates a command's namespaces and stays outside: it can't become their first process itself, so it
//! forks that one.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::io::retry_on_intr;
use rustix::process::{Signal, WaitOptions, set_parent_process_death_signal, waitpid};

use super::init::{INIT, keep};
use crate::sandbox::command::launch_request::{CellPlan, FromKeeper, tell};
use crate::sandbox::{confine, descriptors::let_go_of_output, fork};

/// The argument that starts this process. It reads nothing from the socket on its standard input.
pub(in crate::sandbox) const DOOR: &str = "door";

/// Creates the namespaces, starts init in them, which prepares them `ahead` of the request if that is known, and waits for
/// its end; returns the exit code.
///
/// # Errors
/// If the kernel refuses the namespaces, or init can't be started; both are also sent over the socket.
pub(in crate::sandbox) fn open(ahead: Option<CellPlan<'_>>) -> io::Result<u8> {
    let pass = || {
        // The thread that started this process lives as long as the worker.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        confine::unshare_pid_namespace()?;
        let init = fork::start(INIT, || keep(ahead))?;
        // The output belongs to the command: the pipe must close once no process of it can write.
        let_go_of_output().map(|()| init)
    };
    let init = match pass() {
        Ok(init) => init,
        Err(error) => {
            let connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
            return tell(&connection, &FromKeeper::Failed { reason: error.to_string() }).map(|()| 1);
        }
    };
    let ended = retry_on_intr(|| waitpid(Some(init), WaitOptions::empty()))?;
    let status = ended.map(|(_, status)| ExitStatus::from_raw(status.as_raw())).unwrap_or_default();
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
