//! The message of a commit that `kcode apply --commit` makes.

use std::fmt::Write as _;

use super::Report;
use crate::render::sanitise;

/// As git's own guide has it; longer subjects are cut by those who list them.
const SUBJECT: usize = 72;

/// The task as the subject; what the model said, quoted as the claim it is; trailers.
#[must_use]
pub fn commit_message(report: &Report) -> String {
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
    message
}

/// What ties the commit to its run.
fn trailers(report: &Report) -> String {
    format!(
        "Kcode-Run: {}\nKcode-Outcome: {}\nKcode-Model: {}\n",
        report.run,
        report.outcome.name(),
        sanitise(&report.model)
    )
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

/// Nothing in it is a trailer, or the end of the message to `git am`.
fn quoted(text: &str) -> String {
    text.trim().lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
