//! The only prints of the program: data on standard output, talk on standard error.

use std::io::{self, Write};

use console::Term;

use crate::render::{coloured_diff, letters};
use crate::run::Failure;
use crate::settings::{Environment, Redactor};
use crate::text::{sanitise_json, wrap};

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

/// Writes a text for people to standard output: as the locale can show it, on a terminal in lines that fit.
///
/// # Errors
/// As [`data`].
pub fn page(text: &str) -> Result<(), Failure> {
    data(fitted(text, &Term::stdout()).as_bytes())
}

/// Prints a patch: for eyes on a terminal, else byte for byte.
///
/// # Errors
/// As [`data`].
pub fn patch(patch: &[u8]) -> Result<(), Failure> {
    if console::user_attended() {
        let patch = String::from_utf8_lossy(patch);
        let drawn = coloured_diff(&Redactor::of(&Environment::from_process()).text(&patch));
        return data(letters::spelt(&drawn).as_bytes());
    }
    data(patch)
}

/// Says a line on standard error. If nobody listens, the run goes on.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", fitted(line, &Term::stderr()));
}

/// As the locale can show it, and broken between words where a terminal would break it anywhere.
fn fitted(text: &str, terminal: &Term) -> String {
    let text = letters::spelt(text);
    match columns(terminal) {
        Some(columns) => wrap(&text, columns),
        None => text.into_owned(),
    }
}

/// The columns of a terminal; `None` when it is none.
pub fn columns(terminal: &Term) -> Option<usize> {
    let size = terminal.features().is_attended().then(|| terminal.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
}

/// Asks on standard error; the answer is typed behind it.
pub fn ask(question: &str) {
    // In one piece, so that nothing that is typed is shown within it.
    let question = format!("{} ", fitted(question, &Term::stderr()));
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush());
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
