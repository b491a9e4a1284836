//! The first difference between a replay and the recorded run.

use std::fmt;

use similar::TextDiff;

/// Describes where and how the replay differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Turn number, from 1; 0 before the first request.
    pub turn: u32,
    /// What differs, such as `the answer of a tool`.
    pub what: &'static str,
    /// The recorded value; `None` if the recording had ended.
    pub recorded: Option<String>,
    /// The value of the replay.
    pub now: String,
}

impl fmt::Display for Divergence {
    /// Formats a sentence and a unified diff.
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
