//! Builds the message of the commit that `kcode apply --commit` makes.

use std::fmt::Write as _;

use super::{Report, trailers};
use crate::journal::RelPath;
use crate::text::sanitise;

/// As git's own guide recommends; tools that list commits cut longer subjects.
const SUBJECT: usize = 72;

/// Builds the message: the task as the subject, the model's last message quoted as a claim, and trailers. These name
/// the files that were `merged` with other changes after the tests ran.
#[must_use]
pub fn commit_message(report: &Report, merged: &[RelPath]) -> String {
    let task = sanitise(report.task.trim());
    let mut lines = task.lines();
    let first = lines.next().unwrap_or_default();
    let mut message = subject(first);
    let rest = lines.collect::<Vec<_>>().join("\n");
    if first.chars().count() > SUBJECT || !rest.trim().is_empty() {
        // Writing to a String can't fail.
        let _ = write!(message, "\n\n{}", quoted(&task));
    }
    if let Some(said) = &report.said {
        let _ = write!(message, "\n\nThe model says:\n{}", quoted(&sanitise(said)));
    }
    let _ = write!(message, "\n\n{}", trailers(report));
    let _ = writeln!(message, "Kcode-Outcome: {}", report.outcome.name());
    let _ = writeln!(message, "Kcode-Model: {}", sanitise(&report.model));
    for path in merged {
        let _ = writeln!(message, "Kcode-Merged: {} (not tested)", sanitise(path.as_str()));
    }
    message
}

fn subject(line: &str) -> String {
    if line.is_empty() {
        return "Apply a kcode run".to_owned();
    }
    if line.chars().count() <= SUBJECT {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SUBJECT - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Quotes text, so that none of its lines is a trailer or ends the message for `git am`.
fn quoted(text: &str) -> String {
    text.trim().lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
