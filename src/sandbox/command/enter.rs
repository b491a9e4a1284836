//! The process that becomes a command without a PID namespace: it confines itself, then executes the command.
//!
//! It replaces code between `fork` and `exec`, which can't be written safely.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::launch_request::ToKeeper;
use super::not_started::{not_entered, not_started};
use crate::sandbox::confine::{Processes, go_first};
use crate::sandbox::protocol::receive;

/// The argument that starts this process.
pub(in crate::sandbox) const ENTER: &str = "enter";

/// Becomes the command that the socket on standard input names.
///
/// # Errors
/// If the message is invalid, or the domain can't be entered.
pub(in crate::sandbox) fn enter() -> io::Result<ExitCode> {
    let mut connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let ToKeeper::Run(request) = receive(&mut connection)? else {
        return Err(io::Error::other("the first message must say what to run"));
    };
    let [program, rest @ ..] = &request.argv[..] else { return Err(io::Error::other("there is no command")) };
    // The thread that started this one lives as long as the command; when it dies, so does the command.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    go_first();
    if let Some(domain) = &request.domain {
        domain.enter(Processes::Others)?;
    }
    if let Err(refused) = request.folder.enter() {
        return Ok(ExitCode::from(not_entered(&request.folder, &refused)));
    }
    let mut command = Command::new(program);
    command.args(rest).envs(request.environment.iter().cloned()).stdin(Stdio::null());
    let error = command.exec();
    Ok(ExitCode::from(not_started(program, &error)))
}
