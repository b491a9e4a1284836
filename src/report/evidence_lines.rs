//! The lines of `report.md` about reproduction and minimization.

use std::fmt::Write;

use super::shape::{PatchReport, TestsReport};
use crate::journal::Reproduced;
use crate::text::sanitise_line;

/// Writes a line such as `**Reproduced**: yes, …`.
pub(super) fn write_reproduced(out: &mut String, tests: &TestsReport) -> std::fmt::Result {
    let shown = &tests.reproduced;
    let word = match shown.state {
        Reproduced::Yes => "yes",
        Reproduced::No => "no",
        Reproduced::NotChecked => "not checked",
    };
    let by: Vec<_> = shown.by.iter().map(|test| format!("`{}`", sanitise_line(test))).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    let asked = if shown.asked { " (`--reproduce`)" } else { "" };
    writeln!(out, "**Reproduced**{asked}: {word}{by}; {}.\n", sanitise_line(&shown.why))
}

/// Writes how many hunks the tests need.
pub(super) fn write_minimized(out: &mut String, patch: &PatchReport) -> std::fmt::Result {
    let Some(minimized) = &patch.minimized else { return Ok(()) };
    let (before, after) = (minimized.hunks_before, minimized.hunks_after);
    if let Some(why) = &minimized.why {
        return writeln!(out, "Not made smaller: {}.\n", sanitise_line(why));
    }
    let kept = if after < before { "; the whole patch is kept as `patch.full.diff`" } else { "" };
    let cut = if minimized.complete { "" } else { " (there was no time to try all)" };
    writeln!(out, "{after} of {before} hunks needed{cut}{kept}.\n")
}
