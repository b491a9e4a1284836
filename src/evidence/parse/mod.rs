//! Single results from what a runner wrote: its reports first, else what it printed.
//!
//! Pure, and wary: the repository's own code wrote every byte. Recorded runs stand in `fixtures/test-results`.
//!
//! | File | What it is about |
//! |---|---|
//! | `ledger` | tests as they are found: names that stay the same, messages that stay short |
//! | `junit` | JUnit XML, of any runner |
//! | `libtest` | what `cargo test` prints |

mod junit;
mod ledger;
mod libtest;

use super::TestResults;

/// What is left of a run of a test command.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The command as typed.
    pub command: &'a str,
    /// What it printed.
    pub output: &'a str,
    /// What it wrote besides.
    pub reports: &'a [Vec<u8>],
    /// It ended by itself, and all it printed is here.
    pub ended: bool,
}

/// Each test's result; `None` when none of this is of a form that kcode knows.
#[must_use]
pub fn results(written: &Written) -> Option<TestResults> {
    let read = junit::read(written.reports).or_else(|| {
        let plain = console::strip_ansi_codes(written.output);
        let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
        libtest::read(&lines)
    });
    let mut results = read?;
    results.complete &= written.ended;
    Some(results)
}
