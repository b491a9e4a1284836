//! A process that does all it can to outlive the command that started it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use rustix::process::setsid;

/// The argument that makes a worker process one.
pub(in crate::sandbox) const LINGER: &str = "linger";

/// Says on standard output that it is there, and stays. It holds on to standard error.
///
/// # Errors
/// When nobody listens.
pub(in crate::sandbox) fn linger() -> io::Result<ExitCode> {
    // Fails when it has a session of its own already.
    let _ = setsid();
    io::stdout().write_all(b"\n")?;
    loop {
        thread::park();
    }
}
