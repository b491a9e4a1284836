//! Writes `report.md`: the report for reading in a pull request or a CI log.

use std::fmt::Write;

use super::checks::{CheckReport, CheckState};
use super::evidence_lines::{write_minimized, write_reproduced};
use super::shape::{Report, SandboxReport, TestsReport};
use crate::journal::{ChangeKind, FailedTest, FileChange, TestResult, Usage, WhyFailed};
use crate::text::{counted, sanitise, sanitise_line};

/// Most tests named per list.
const NAMES: usize = 20;

/// Renders the report as Markdown. Text of the task and of the model is quoted and sanitised.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let _ = write_report(&mut out, report);
    out
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "# kcode run {}: {}\n", report.run, report.outcome.words())?;
    writeln!(out, "{}\n", sanitise_line(&report.detail))?;
    if let Some(hint) = &report.hint {
        writeln!(out, "Hint: {}\n", sanitise_line(hint))?;
    }
    writeln!(out, "**Task**\n\n{}\n", quoted(&report.task))?;
    if let Some(run) = &report.follows {
        writeln!(out, "It follows run {run}.\n")?;
    }
    write_patch(out, report)?;
    for line in report.generated.told() {
        writeln!(out, "**Commands**: {}\n", sanitise_line(&line))?;
    }
    write_tests(out, report)?;
    write_checks(out, &report.checks)?;
    if let Some(said) = &report.said {
        writeln!(out, "**What the model said** (a claim, not evidence)\n\n{}\n", quoted(said))?;
    }
    write_numbers(out, report)
}

fn write_patch(out: &mut String, report: &Report) -> std::fmt::Result {
    let Some(patch) = &report.patch else { return writeln!(out, "**Patch**: none; nothing changed.\n") };
    writeln!(out, "**Patch** `{}` (sha256 `{}`)\n", sanitise_line(&patch.path), patch.sha256.short())?;
    writeln!(out, "| File | Change | Lines |\n|---|---|---|")?;
    for file in &patch.files {
        let lines = if file.binary { "binary".to_owned() } else { format!("−{} +{}", file.removed, file.added) };
        writeln!(out, "| `{}` | {} | {lines} |", sanitise_line(file.path.as_str()).replace('|', "\\|"), kind(file))?;
    }
    for gap in &patch.left_out {
        writeln!(out, "\nLeft out: {}", sanitise_line(gap))?;
    }
    writeln!(out)?;
    write_minimized(out, patch)?;
    write_applied(out, report)
}

fn write_applied(out: &mut String, report: &Report) -> std::fmt::Result {
    let run = &report.run;
    if let Some(files) = report.applied {
        writeln!(out, "**Applied** to {}; `kcode undo {run}` takes it back.\n", counted(files as usize, "file"))?;
    }
    if let Some(review) = &report.review {
        let end = if review.applied { "" } else { "; not applied" };
        writeln!(out, "**Reviewed**: {}{end}.\n", review.told())?;
    }
    for path in &report.merged {
        writeln!(out, "Merged with other changes, not tested: `{}`\n", sanitise_line(path.as_str()))?;
    }
    if let Some(files) = report.undone {
        writeln!(
            out,
            "**Undone**: {} put back; `kcode apply {run}` applies it again.\n",
            counted(files as usize, "file")
        )?;
    }
    Ok(())
}

fn kind(file: &FileChange) -> String {
    match &file.kind {
        ChangeKind::Added => "added".to_owned(),
        ChangeKind::Deleted => "deleted".to_owned(),
        ChangeKind::Modified => "modified".to_owned(),
        ChangeKind::ModeChanged => "mode changed".to_owned(),
        ChangeKind::Renamed { from } => format!("renamed from `{}`", sanitise_line(from.as_str()).replace('|', "\\|")),
    }
}

fn write_tests(out: &mut String, report: &Report) -> std::fmt::Result {
    let tests = &report.tests;
    let Some(command) = &tests.command else {
        return writeln!(out, "**Tests**: none ({}).\n", tests.origin.as_deref().unwrap_or("not looked for"));
    };
    let origin = tests.origin.as_deref().unwrap_or("unknown origin");
    write!(out, "**Tests** `{}` ({}): ", sanitise_line(command), sanitise_line(origin))?;
    match &tests.after {
        None => writeln!(out, "not run after the last edit.\n")?,
        Some(after) => {
            let fresh = if tests.fresh { "after the last edit" } else { "before the tree changed again" };
            let again =
                (tests.runs > 1).then(|| format!(" (the last of {}, {} failed)", tests.runs, tests.failed_runs));
            writeln!(out, "{}, run by kcode {fresh}{}.\n", result(&after.result), again.unwrap_or_default())?;
        }
    }
    write_baseline(out, tests)?;
    write_failures(out, tests)?;
    write_matrix(out, tests)?;
    write_reproduced(out, tests)?;
    write_flags(out, tests)
}

fn write_checks(out: &mut String, checks: &[CheckReport]) -> std::fmt::Result {
    if checks.is_empty() {
        return Ok(());
    }
    writeln!(out, "| Check | Command | |\n|---|---|---|")?;
    for CheckReport { chosen, state, fresh, .. } in checks {
        let cell = |text: &str| sanitise_line(text).replace('|', "\\|");
        let optional = if chosen.required { "" } else { ", not required" };
        let stale = if *fresh || *state == CheckState::NotRun { "" } else { ", before the tree changed again" };
        let (command, origin) = (cell(&chosen.command), cell(&chosen.origin));
        let became = state.name();
        writeln!(out, "| {} | `{command}` ({origin}) | {became}{optional}{stale} |", cell(&chosen.name))?;
    }
    writeln!(out)
}

fn write_baseline(out: &mut String, tests: &TestsReport) -> std::fmt::Result {
    let told = match (&tests.baseline, &tests.baseline_missing) {
        (Some(baseline), _) => {
            let known = if baseline.cached { ", known from an earlier run" } else { "" };
            result(&baseline.result) + known
        }
        (None, Some(reason)) => format!("not known: {}", sanitise_line(reason)),
        (None, None) => return Ok(()),
    };
    writeln!(out, "On the state that the run started from: {told}.\n")
}

/// Writes why the tests failed on the patch or, if they never ran on it, on the start state.
fn write_failures(out: &mut String, tests: &TestsReport) -> std::fmt::Result {
    let Some(ran) = tests.after.as_ref().or(tests.baseline.as_ref()) else { return Ok(()) };
    let Some(WhyFailed { tests, more, lines, cause }) = &ran.result.why else { return Ok(()) };
    let log =
        ran.log.as_ref().map_or_else(String::new, |log| format!(" (`{}` in the run's folder)", sanitise_line(log)));
    writeln!(out, "**Failures**{log}\n")?;
    for FailedTest { name, lines } in tests {
        let said =
            lines.last().map_or_else(String::new, |line| format!(": `{}`", sanitise_line(line).replace('`', "'")));
        writeln!(out, "- `{}`{said}", sanitise_line(name))?;
    }
    if *more > 0 {
        writeln!(out, "- and {more} more")?;
    }
    if !lines.is_empty() {
        writeln!(out, "{}", quoted(&lines.join("\n")).replace('\n', "  \n"))?;
    }
    if let Some(cause) = cause {
        writeln!(out, "\nCause: {}. What to do: {}.", sanitise_line(&cause.what), sanitise_line(&cause.hint))?;
    }
    writeln!(out)
}

fn result(result: &TestResult) -> String {
    let word = if result.passed { "pass" } else { "fail" };
    // Even if kcode can't read the runner's output, there is an exit code.
    let alone = || ", by the exit code alone".to_owned();
    let counts = result.counts.map_or_else(alone, |c| format!(", {} passed, {} failed", c.passed, c.failed));
    format!("{word}{counts}")
}

fn write_matrix(out: &mut String, tests: &TestsReport) -> std::fmt::Result {
    if !tests.compared {
        return Ok(());
    }
    writeln!(out, "| Test by test | |\n|---|---|\n| pass before and after | {} |", tests.matrix.passing)?;
    for (name, names) in tests.matrix.lists().filter(|(_, names)| !names.is_empty()) {
        let shown = names.iter().take(NAMES).map(|name| format!("`{}`", sanitise_line(name).replace('|', "\\|")));
        let more =
            names.len().checked_sub(NAMES + 1).map_or_else(String::new, |more| format!(" and {} more", more + 1));
        writeln!(out, "| {name} | {}{more} |", shown.collect::<Vec<_>>().join(", "))?;
    }
    writeln!(out)
}

fn write_flags(out: &mut String, tests: &TestsReport) -> std::fmt::Result {
    let Some(touched) = &tests.touched else { return Ok(()) };
    let allowed = touched.allowed.as_ref().map_or_else(String::new, |by| format!(" (allowed: {})", sanitise_line(by)));
    writeln!(out, "**The patch touches tests**{allowed}\n")?;
    for flag in &touched.flags {
        let word = if touched.refused_for.contains(flag) { "refused" } else { "note" };
        let (path, reason) = (sanitise_line(flag.path.as_str()), sanitise_line(&flag.reason));
        writeln!(out, "- {word}: `{path}:{}`: {reason}", flag.line)?;
    }
    writeln!(out)
}

/// Writes one line that lets somebody else check the result.
fn write_certificate(out: &mut String, report: &Report) -> std::fmt::Result {
    let certificate = &report.certificate;
    let Some(environment) = &certificate.environment else { return Ok(()) };
    let short =
        |id: &Option<String>| id.as_ref().map_or_else(|| "unknown".to_owned(), |id| id.chars().take(12).collect());
    let (start, patched) = (short(&certificate.start_tree), short(&certificate.patched_tree));
    let machine = format!("{} {} {}", environment.os, environment.kernel, environment.arch);
    write!(out, "**Certificate** tree `{start}` → `{patched}`, on {}; ", sanitise_line(&machine))?;
    writeln!(out, "checked again with `kcode verify {}`.\n", report.run)
}

fn write_numbers(out: &mut String, report: &Report) -> std::fmt::Result {
    write_certificate(out, report)?;
    let usage = &report.usage;
    let cost = report.cost_in_words();
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| Model | {} via {} |", sanitise_line(&report.model), sanitise_line(&report.base_url))?;
    writeln!(out, "| Turns, requests, retries | {}, {}, {} |", report.budget.turns, usage.requests, usage.retries)?;
    let Usage { prompt_tokens: input, cached_tokens: cached, completion_tokens: output } = usage.tokens;
    writeln!(out, "| Tokens | {input} in ({cached} cached), {output} out |")?;
    writeln!(out, "| Cost at list price | {cost} |")?;
    writeln!(out, "| Reasoning kept | {}/{} |", report.reasoning.kept, report.reasoning.turns)?;
    writeln!(out, "| Tool calls, failed | {}, {} |", report.tools.calls, report.tools.failures)?;
    write_sandbox(out, &report.wall)?;
    writeln!(out, "| Time | {:.1} s |", report.timing.total_ms as f64 / 1e3)
}

fn write_sandbox(out: &mut String, sandbox: &SandboxReport) -> std::fmt::Result {
    let held = |holds: bool| if holds { "held" } else { "not held" };
    let (files, processes, network) = (held(sandbox.tree), held(sandbox.process), held(sandbox.network));
    let (tried, refused) = (sandbox.proof.len(), sandbox.proof.iter().filter(|proof| proof.held).count());
    write!(out, "| Sandbox ({}) | files {files}, processes {processes}, network {network}; ", sandbox.mode)?;
    write!(out, "{refused} of {tried} attempts to break out refused")?;
    for open in sandbox.proof.iter().filter(|proof| !proof.held) {
        write!(out, "; not: {} ({})", sanitise_line(&open.attempt), sanitise_line(&open.detail))?;
    }
    writeln!(out, " |")
}

/// Quotes text for Markdown, so that nothing in it becomes a heading, a table or a link.
fn quoted(text: &str) -> String {
    sanitise(text).lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}
