//! The only prints of the program: data on standard output, talk on standard error.

use std::io::{self, Write};

use super::failure::Failure;
use crate::render::sanitise_json;

/// Writes data to standard output. A reader that went away (`kcode … | head`) is not an error.
///
/// # Errors
/// When it can't be written for another reason.
pub fn data(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::internal(format!("standard output can't be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Says a line on standard error. If nobody listens, the run goes on.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Asks on standard error; the answer is typed behind it.
pub fn ask(question: &str) {
    let mut terminal = io::stderr().lock();
    let _ = write!(terminal, "{question} ").and_then(|()| terminal.flush());
}

/// Writes what drives the terminal on standard error: only ever of kcode's own making.
pub fn raw(sequence: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(sequence.as_bytes()).and_then(|()| terminal.flush());
}

/// Writes a value as indented JSON.
///
/// # Errors
/// As [`data`].
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::internal(error.to_string()))?;
    data(format!("{}\n", sanitise_json(&text)).as_bytes())
}
