//! Compiles regular expressions.
//!
//! Compiling one takes longer than most of what a run does before its first request, so it is done on first use. Builds
//! with debug assertions count compilations, and a test checks the count against a limit. Release builds don't (see
//! `journal::crash`).

use regex::{Regex, bytes};

/// Compiles an expression known at build time; `None` is a bug, which the tests of the caller show.
#[must_use]
pub fn regex(source: &str) -> Option<Regex> {
    count(source);
    Regex::new(source).ok()
}

/// As [`regex()`], for bytes.
#[must_use]
pub fn bytes_regex(source: &str) -> Option<bytes::Regex> {
    count(source);
    bytes::Regex::new(source).ok()
}

/// Records in the file `$KCODE_TEST_REGEXES` that this process compiles an expression, or parses a text.
#[cfg(debug_assertions)]
pub fn count(source: &str) {
    use std::io::Write as _;

    let Some(path) = std::env::var_os("KCODE_TEST_REGEXES") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(format!("{} {source:?}\n", std::process::id()).as_bytes()));
}

/// Does nothing in release builds.
#[cfg(not(debug_assertions))]
pub const fn count(_source: &str) {}
