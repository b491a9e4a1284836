//! A process that does all it can to outlive the command that started it.

use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::thread;

use rustix::process::setsid;

/// What it is called.
pub(super) const LINGER: &str = "linger";

/// Says to `starter` that it is there, and stays. It holds on to standard error.
///
/// # Errors
/// When nobody listens.
pub(super) fn linger(mut starter: PipeWriter) -> io::Result<u8> {
    // Fails when it has a session of its own already.
    let _ = setsid();
    // What the prover tells has to end with the prover.
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    starter.write_all(b"\n")?;
    drop(starter);
    loop {
        thread::park();
    }
}
