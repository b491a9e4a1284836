//! One line of libtest's JSON, as `cargo test -- --format json` and nextest's `--message-format libtest-json` print it.

use serde::Deserialize;

use crate::journal::Verdict;

/// What such a line tells of a suite or of a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LibtestNews {
    /// A binary begins, with so many tests.
    Began(u64),
    /// A test ended.
    Test {
        /// As it is called in its binary.
        name: String,
        /// How it went.
        verdict: Verdict,
        /// What it printed.
        stdout: String,
    },
    /// A binary ended.
    Ended,
}

#[derive(Deserialize)]
struct LibtestLine {
    #[serde(rename = "type")]
    of: String,
    event: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    test_count: u64,
    #[serde(default)]
    stdout: String,
}

/// `None` for any other line, and for a test that begins.
pub(super) fn told(line: &str) -> Option<LibtestNews> {
    let line: LibtestLine = line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()?;
    let verdict = match (&*line.of, &*line.event) {
        ("suite", "started") => return Some(LibtestNews::Began(line.test_count)),
        ("suite", "ok" | "failed") => return Some(LibtestNews::Ended),
        ("test", "ok") => Verdict::Passed,
        ("test", "failed" | "timeout") => Verdict::Failed,
        ("test", "ignored") => Verdict::Skipped,
        _ => return None,
    };
    Some(LibtestNews::Test { name: unpacked(&line.name), verdict, stdout: line.stdout })
}

/// Nextest says `package::binary$test`, and its text says `package::test` where the binary is named like its package.
fn unpacked(name: &str) -> String {
    let Some((binary, test)) = name.split_once('$') else { return name.to_owned() };
    let binary = binary.split_once("::").filter(|(package, own)| package == own).map_or(binary, |(package, _)| package);
    format!("{binary}::{test}")
}
