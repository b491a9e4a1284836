//! The outer process of a worker: starts the host, and kills what outlives it.
//!
//! It holds no code that a request can reach, so it is there to clean up whatever becomes of the
//! host: finished, out of memory, crashed. Being a subreaper, it inherits every orphan below it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::process::{getpid, set_child_subreaper, setsid};

use super::{SUBCOMMAND, descendants};

/// The argument that makes a worker process the host.
pub(super) const HOST: &str = "host";

/// Runs the host to its end, then kills and reaps everything below.
///
/// # Errors
/// When the host can't be started.
pub(super) fn run() -> io::Result<ExitCode> {
    // A session of its own: no terminal whose Ctrl-C reaches it, or into which tests could type. It fails when this
    // already is a session's leader.
    let _ = setsid();
    // Without this (it needs Linux 3.4) orphans would leave; the host notices the same and reports it.
    let _ = set_child_subreaper(Some(getpid()));
    let mut host = Command::new("/proc/self/exe");
    let status = host.args([SUBCOMMAND, HOST]).stdin(Stdio::inherit()).spawn()?.wait()?;
    descendants::kill_all();
    descendants::reap();
    Ok(code(status))
}

/// The same exit code; as a shell would put it when a signal was the end.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
