//! The first thing in which a replay differs from the recorded run.

use std::fmt;

use similar::TextDiff;

/// Where and how a replay came to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The turn, counted from 1; 0 before the first request.
    pub turn: u32,
    /// What it is, such as `the answer of a tool`.
    pub what: &'static str,
    /// As it was recorded; `None` when nothing more was.
    pub recorded: Option<String>,
    /// As it is now.
    pub now: String,
}

impl fmt::Display for Divergence {
    /// A sentence, and a unified diff.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turn, what, recorded, now } = self;
        let Some(recorded) = recorded else {
            return writeln!(f, "in turn {turn}, {what} comes where the recorded run had ended:\n{now}");
        };
        writeln!(f, "in turn {turn}, {what} differs:")?;
        let (recorded, now) = (format!("{recorded}\n"), format!("{now}\n"));
        write!(f, "{}", TextDiff::from_lines(&recorded, &now).unified_diff().header("recorded", "now"))
    }
}
