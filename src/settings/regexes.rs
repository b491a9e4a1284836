//! Where regular expressions are compiled.
//!
//! Compiling one takes longer than most of what a run does before its first request, so that it is done when the
//! expression is first asked. Builds with debug assertions count them: a test holds the count against a limit. Releases
//! have no such way (see `journal::crash`).

use regex::{Regex, bytes};

/// Compiles what is known at build time; `None` is a bug, which the tests of whoever asks show.
#[must_use]
pub fn regex(source: &str) -> Option<Regex> {
    count(source);
    Regex::new(source).ok()
}

/// The same for text that may be anything.
#[must_use]
pub fn bytes_regex(source: &str) -> Option<bytes::Regex> {
    count(source);
    bytes::Regex::new(source).ok()
}

/// Notes that this expression, or a set of them, is compiled, or that a text is parsed, and by which process.
#[cfg(debug_assertions)]
pub fn count(source: &str) {
    use std::io::Write as _;

    let Some(path) = std::env::var_os("KCODE_TEST_REGEXES") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(format!("{} {source:?}\n", std::process::id()).as_bytes()));
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub const fn count(_source: &str) {}
