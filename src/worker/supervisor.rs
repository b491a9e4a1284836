//! The outer process of a worker: starts the host, and kills what outlives it.
//!
//! It holds no code that a call can reach, so it is there to clean up whatever becomes of the
//! host: finished, out of memory, crashed. Being a subreaper, it inherits every orphan below it.
//! It also lets the host try namespaces: a process that failed half-way can't go back, so another
//! one takes its place, without.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::process::{getpid, set_child_subreaper, setsid};

use super::plan::Charge;
use super::protocol::{ToWorker, receive};
use super::{SUBCOMMAND, descendants, descriptors};

/// The argument that makes a worker process the host; its [`Charge`] as JSON follows, and why it is to do without
/// namespaces if it is.
pub(super) const HOST: &str = "host";
/// The exit code of a host that wants to be started without namespaces; why stands on its stdout.
pub(super) const WITHOUT_NAMESPACES: u8 = 76;

/// Runs the host to its end, then kills and reaps everything below.
///
/// # Errors
/// When the host can't be started.
pub(super) fn run() -> io::Result<ExitCode> {
    // The broker closes what it opens; this is about what was open before it began, and costs no more than an old kernel.
    let _ = descriptors::close_inherited_on_exec();
    // A session of its own: no terminal whose Ctrl-C reaches it, or into which tests could type. It fails when this
    // already is a session's leader.
    let _ = setsid();
    // Without this (it needs Linux 3.4) orphans would leave; the host notices the same and reports it.
    let _ = set_child_subreaper(Some(getpid()));
    let mut connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let ToWorker::Begin(charge) = receive(&mut connection)? else {
        return Err(io::Error::other("the first message must say what to work on"));
    };
    drop(connection);
    let mut status = host(&charge, None);
    if let Ok((ended, why)) = &status
        && ended.code() == Some(WITHOUT_NAMESPACES.into())
    {
        status = host(&charge, Some(why));
    }
    descendants::kill_all();
    descendants::reap();
    Ok(code(status?.0))
}

/// Runs a host to its end; the text is what it wrote to stdout.
fn host(charge: &Charge, without_namespaces: Option<&str>) -> io::Result<(ExitStatus, String)> {
    let mut host = Command::new("/proc/self/exe")
        .args([SUBCOMMAND, HOST, &serde_json::to_string(charge)?])
        .args(without_namespaces)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()?;
    let status = host.wait()?;
    let mut why = String::new();
    if let Some(stdout) = host.stdout.filter(|_| status.code() == Some(WITHOUT_NAMESPACES.into())) {
        stdout.take(1024).read_to_string(&mut why)?;
    }
    Ok((status, why))
}

/// The same exit code; as a shell would put it when a signal was the end.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
