//! `report.md`: the report for a person who reads it in a pull request or a CI log.

use std::fmt::Write;

use super::shape::{Report, WallReport};
use crate::journal::{ChangeKind, FileChange};
use crate::render::sanitise;

/// The report as Markdown. Text of the task and of the model is quoted and sanitised.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = write_report(&mut out, report);
    out
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "# kcode run {}: {}\n", report.run, report.outcome.name())?;
    writeln!(out, "{}\n", sanitise(&report.detail))?;
    if let Some(hint) = &report.hint {
        writeln!(out, "Hint: {}\n", sanitise(hint))?;
    }
    writeln!(out, "**Task**\n\n{}\n", quoted(&report.task))?;
    write_patch(out, report)?;
    write_tests(out, report)?;
    if let Some(said) = &report.said {
        writeln!(out, "**What the model said** (a claim, not evidence)\n\n{}\n", quoted(said))?;
    }
    write_numbers(out, report)
}

fn write_patch(out: &mut String, report: &Report) -> std::fmt::Result {
    let Some(patch) = &report.patch else { return writeln!(out, "**Patch**: none; nothing changed.\n") };
    writeln!(out, "**Patch** `{}` (sha256 `{}`)\n", sanitise(&patch.path), patch.sha256.short())?;
    writeln!(out, "| File | Change | Lines |\n|---|---|---|")?;
    for file in &patch.files {
        let lines = if file.binary { "binary".to_owned() } else { format!("−{} +{}", file.removed, file.added) };
        writeln!(out, "| `{}` | {} | {lines} |", sanitise(file.path.as_str()).replace('|', "\\|"), kind(file))?;
    }
    for gap in &patch.left_out {
        writeln!(out, "\nLeft out: {}", sanitise(gap))?;
    }
    writeln!(out)
}

fn kind(file: &FileChange) -> String {
    match &file.kind {
        ChangeKind::Added => "added".to_owned(),
        ChangeKind::Deleted => "deleted".to_owned(),
        ChangeKind::Modified => "modified".to_owned(),
        ChangeKind::ModeChanged => "mode changed".to_owned(),
        ChangeKind::Renamed { from } => format!("renamed from `{}`", sanitise(from.as_str()).replace('|', "\\|")),
    }
}

fn write_tests(out: &mut String, report: &Report) -> std::fmt::Result {
    let tests = &report.tests;
    let Some(command) = &tests.command else {
        return writeln!(out, "**Tests**: none ({}).\n", tests.origin.as_deref().unwrap_or("not looked for"));
    };
    let origin = tests.origin.as_deref().unwrap_or("unknown origin");
    write!(out, "**Tests** `{}` ({}): ", sanitise(command), sanitise(origin))?;
    match &tests.after {
        None => writeln!(out, "not run after the last edit.\n"),
        Some(after) => {
            let word = if after.passed { "pass" } else { "fail" };
            // A runner that kcode can't read has an exit code all the same.
            let alone = || ", by the exit code alone".to_owned();
            let counts = after.counts.map_or_else(alone, |c| format!(", {} passed, {} failed", c.passed, c.failed));
            let fresh = if tests.fresh { "after the last edit" } else { "before the tree changed again" };
            writeln!(out, "{word}{counts}, run by kcode {fresh}.\n")
        }
    }
}

fn write_numbers(out: &mut String, report: &Report) -> std::fmt::Result {
    let usage = &report.usage;
    let cost = usage.cost_usd.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| Model | {} via {} |", sanitise(&report.model), sanitise(&report.base_url))?;
    writeln!(out, "| Turns, requests, retries | {}, {}, {} |", report.budget.turns, usage.requests, usage.retries)?;
    let (input, cached, output) = (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens);
    writeln!(out, "| Tokens | {input} in ({cached} cached), {output} out |")?;
    writeln!(out, "| Cost at list price | {cost} |")?;
    writeln!(out, "| Reasoning kept | {}/{} |", report.reasoning.kept, report.reasoning.turns)?;
    writeln!(out, "| Tool calls, failed | {}, {} |", report.tools.calls, report.tools.failures)?;
    write_wall(out, &report.wall)?;
    writeln!(out, "| Time | {:.1} s |", report.timing.total_ms as f64 / 1e3)
}

fn write_wall(out: &mut String, wall: &WallReport) -> std::fmt::Result {
    let held = |holds: bool| if holds { "held" } else { "not held" };
    let (files, processes, network) = (held(wall.tree), held(wall.process), held(wall.network));
    let (tried, refused) = (wall.proof.len(), wall.proof.iter().filter(|proof| proof.held).count());
    write!(out, "| Wall ({}) | files {files}, processes {processes}, network {network}; ", wall.mode)?;
    write!(out, "{refused} of {tried} attempts to break out refused")?;
    for open in wall.proof.iter().filter(|proof| !proof.held) {
        write!(out, "; not: {} ({})", sanitise(&open.attempt), sanitise(&open.detail))?;
    }
    writeln!(out, " |")
}

/// As a Markdown quotation: nothing in it can open a heading, a table or a link of ours.
fn quoted(text: &str) -> String {
    sanitise(text).lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}
