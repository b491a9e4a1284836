//! A process that tries to outlive the command that started it.

use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::thread;

use rustix::process::setsid;

/// Its name as an argument.
pub(super) const LINGER: &str = "linger";

/// Reports to `starter` that it runs, and stays. It keeps standard error open.
///
/// # Errors
/// If nobody reads the report.
pub(super) fn linger(mut starter: PipeWriter) -> io::Result<u8> {
    // Fails if it already leads a session.
    let _ = setsid();
    // The prover's output has to end with the prover.
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    starter.write_all(b"\n")?;
    drop(starter);
    loop {
        thread::park();
    }
}
