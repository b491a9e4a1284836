//! The only prints of the program: data on standard output, everything else on standard error.

use std::io::{self, Write};

use console::Term;

use crate::render::{coloured_diff, letters};
use crate::run::Failure;
use crate::settings::{Environment, Redactor};
use crate::text::{sanitise_json, wrap};

/// Writes data to standard output. A closed pipe (`kcode … | head`) is not an error.
///
/// # Errors
/// When it can't be written for another reason.
pub(super) fn data(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::internal(format!("standard output can't be written: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes text for people to standard output: in the locale's characters, wrapped on a terminal.
///
/// # Errors
/// As [`data`].
pub(super) fn page(text: &str) -> Result<(), Failure> {
    data(fitted(text, &Term::stdout()).as_bytes())
}

/// Prints a patch: coloured on a terminal, else byte for byte.
///
/// # Errors
/// As [`data`].
pub(super) fn patch(patch: &[u8]) -> Result<(), Failure> {
    if console::user_attended() {
        let patch = String::from_utf8_lossy(patch);
        let drawn = coloured_diff(&Redactor::of(&Environment::from_process()).text(&patch));
        return data(letters::spelt(&drawn).as_bytes());
    }
    data(patch)
}

/// Prints a line on standard error. Errors are ignored, so that a run goes on.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", fitted(line, &Term::stderr()));
}

/// Text in the locale's characters, wrapped between words on a terminal.
fn fitted(text: &str, terminal: &Term) -> String {
    let text = letters::spelt(text);
    match columns(terminal) {
        Some(columns) => wrap(&text, columns),
        None => text.into_owned(),
    }
}

/// Width of a terminal; `None` when it isn't one.
pub(super) fn columns(terminal: &Term) -> Option<usize> {
    let size = terminal.features().is_attended().then(|| terminal.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
}

/// Prints a question on standard error; the answer is typed after it.
pub(super) fn ask(question: &str) {
    // In one write, so that no typed character is echoed within it.
    let question = format!("{} ", fitted(question, &Term::stderr()));
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush());
}

/// Writes escape sequences to the terminal on standard error; only ever kcode's own.
pub(super) fn raw(sequence: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(sequence.as_bytes()).and_then(|()| terminal.flush());
}

/// Writes a value as indented JSON.
///
/// # Errors
/// As [`data`].
pub(super) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::internal(error.to_string()))?;
    data(format!("{}\n", sanitise_json(&text)).as_bytes())
}
