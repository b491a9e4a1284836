//! The first process of a command's PID namespace: sets it up, confines itself, starts the command, and reaps orphans.
//!
//! As PID 1 it gets no signals from inside, and when it ends, the kernel kills every process in the namespace.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, kill_process_group, set_dumpable_behavior,
    set_parent_process_death_signal, wait,
};

use super::mounts;
use crate::sandbox::command::launch_request::{CellPlan, FromKeeper, LaunchRequest, ToKeeper, tell};
use crate::sandbox::command::not_started::{not_entered, not_started};
use crate::sandbox::confine::{Processes, go_first, limit_pid_namespace};
use crate::sandbox::descriptors::let_go_of_output;
use crate::sandbox::protocol::receive;

/// Its name in lists of processes.
pub(super) const INIT: &str = "init";

/// Runs the command that the socket on standard input names, until the command's last process or the socket ends;
/// returns the exit code. What is to be prepared for it may be known `ahead`.
///
/// # Errors
/// If standard input is no socket, or no thread can be started.
pub(super) fn keep(ahead: Option<CellPlan<'_>>) -> io::Result<u8> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let prepared = ahead.map(|plan| (plan, prepare(plan)));
    let ToKeeper::Run(request) = receive(&mut connection)? else {
        return Err(io::Error::other("the first message must say what to run"));
    };
    let asked = request.cell_plan();
    let prepared = match prepared {
        Some((plan, prepared)) if plan == asked => prepared,
        // What was given up can't be taken back.
        Some(_) => Err(io::Error::other("it was prepared for something else")),
        None => prepare(asked),
    };
    if let Err(error) = prepared {
        tell(&connection, &FromKeeper::Failed { reason: error.to_string() })?;
        return Ok(1);
    }
    let command = start(&request, &connection)?;
    let_go_of_output()?;
    let reaper = connection.try_clone()?;
    thread::Builder::new().spawn(move || reap(command, &reaper))?;
    while let Ok(message) = receive::<ToKeeper>(&mut connection) {
        if let (ToKeeper::End, Some(group)) = (message, command) {
            // The group may be gone already.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
    Ok(0)
}

/// Does everything that takes privileges, then drops them. Processes started afterwards are confined as well.
fn prepare(plan: CellPlan<'_>) -> io::Result<()> {
    mounts::make(plan.view)?;
    limit_pid_namespace()?;
    go_first();
    if let Some(domain) = plan.domain {
        domain.in_pid_namespace(mounts::seal_logs)?.enter(Processes::Own)?;
    }
    // The command runs as the same user and must not look into this process through /proc/1.
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Starts the command in its own process group; returns `None` if it can't be started, after reporting a shell's exit
/// code.
fn start(request: &LaunchRequest, connection: &UnixStream) -> io::Result<Option<Pid>> {
    let [program, rest @ ..] = &request.argv[..] else { return Err(io::Error::other("there is no command")) };
    let mut command = Command::new(program);
    command.args(rest).envs(request.environment.iter().cloned()).stdin(Stdio::null()).process_group(0);
    let code = match request.folder.enter() {
        Err(refused) => not_entered(&request.folder, &refused),
        Ok(()) => match command.spawn() {
            Ok(child) => return Ok(Some(Pid::from_child(&child))),
            Err(error) => not_started(program, &error),
        },
    };
    let status = ExitStatus::from_raw(i32::from(code) << 8);
    tell(connection, &FromKeeper::Ended { status: status.into_raw() })?;
    Ok(None)
}

/// Reaps every process, reports the command's status, and closes the connection after the last one.
fn reap(command: Option<Pid>, connection: &UnixStream) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == command => {
                // If the worker is gone nobody needs the status, and this process ends anyway.
                let _ = tell(connection, &FromKeeper::Ended { status: status.as_raw() });
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let _ = connection.shutdown(Shutdown::Both);
}
