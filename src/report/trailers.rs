//! A run as trailers of a commit message, which `git interpret-trailers` reads.

use super::shape::{Report, TestsReport};
use crate::journal::TestResult;
use crate::text::sanitise;

/// Most tests named per list; a trailer is one line.
const NAMES: usize = 3;
/// Most characters of a command or a test's name.
const MOST_CHARS: usize = 120;
/// Characters of a tree's id, as git abbreviates ids in large repositories.
const ID: usize = 12;

/// Formats the trailers, one `Key: value` per line.
#[must_use]
pub fn trailers(report: &Report) -> String {
    let mut lines = vec![format!("Kcode-Run: {}", report.run), format!("Kcode-Tests: {}", tests(report))];
    // The tests above ran on the whole patch.
    let partly = report.review.as_ref().filter(|review| review.applied && !review.takes_all());
    lines.extend(partly.map(|review| format!("Kcode-Review: {}", review.told())));
    // An unknown cost is left out.
    lines.extend(report.usage.cost_usd.map(|cost| format!("Kcode-Cost: {cost}")));
    lines.into_iter().map(|line| line + "\n").collect()
}

fn tests(report: &Report) -> String {
    let tests = &report.tests;
    let (Some(command), Some(after)) = (&tests.command, &tests.after) else { return "none".to_owned() };
    let mut told = vec![went(&after.result)];
    told.extend(lists(tests));
    let tree = report.certificate.patched_tree.as_deref().map(|id| format!("tree {}", id.get(..ID).unwrap_or(id)));
    let stale = (!tests.fresh).then(|| "before the last edit".to_owned());
    let details: Vec<_> = tree.into_iter().chain(stale).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!("{}: {}{details}", plain(command), told.join(", "))
}

fn went(result: &TestResult) -> String {
    match result.counts {
        Some(counts) if result.passed && counts.failed == 0 => format!("{} passed", counts.passed),
        Some(counts) => format!("fail, {} passed, {} failed", counts.passed, counts.failed),
        None if result.passed => "pass, by the exit code alone".to_owned(),
        None => "fail, by the exit code alone".to_owned(),
    }
}

/// Formats the lists of tests that changed.
fn lists(tests: &TestsReport) -> Vec<String> {
    let lists = tests.matrix.lists().filter(|(_, names)| !names.is_empty());
    let told = lists.map(|(what, names)| {
        let shown: Vec<_> = names.iter().take(NAMES).map(|name| plain(name)).collect();
        let more =
            names.len().checked_sub(NAMES + 1).map_or_else(String::new, |more| format!(" and {} more", more + 1));
        format!("{what} {}{more}", shown.join(" "))
    });
    told.collect()
}

/// Puts text on one line and shortens it.
fn plain(text: &str) -> String {
    let clean = sanitise(text);
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(MOST_CHARS).collect();
    if cut.len() < line.len() { cut + "…" } else { cut }
}
