//! What kcode writes on a platform. Numbers and structure are its own; text of models, tests and strangers is defused and capped.

use std::fmt::Write as _;

use super::artifact::JobArtifact;
use super::defuse::{defused, defused_line, fenced};
use super::platform::{Thread, ThreadKind};
use super::publication::PatchVerdict;
use crate::journal::{Outcome, RunId};
use crate::report::{self, Report};
use crate::settings::Redactor;

/// Characters. GitHub takes 65,536 in a text; tables and sentences of kcode's own take less than a fifth.
const TITLE: usize = 64;
const TASK: usize = 4_000;
const CLAIM: usize = 1_500;
const WHOLE_REPORT: usize = 24_000;
const LINE: usize = 200;
/// Tests and findings listed.
const NAMES: usize = 20;

/// The title of a pull request, and the subject of its commit.
pub(super) fn title(report: &Report, redactor: &Redactor) -> String {
    let first = report.task.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let first = defused_line(first.trim_start_matches(['#', '-', ' ']), redactor, TITLE);
    if first.is_empty() { "kcode: a proposed change".to_owned() } else { format!("kcode: {first}") }
}

/// The commit's message: a title and trailers. No prose of a model gets into the history, where `fixes` closes issues.
pub(super) fn commit_message(report: &Report, redactor: &Redactor) -> String {
    let trailers = report::trailers(report);
    let trailers: Vec<String> = trailers.lines().map(|line| defused_line(line, redactor, 2 * LINE)).collect();
    let outcome = report.outcome.name();
    format!("{}\n\n{}\nKcode-Outcome: {outcome}\n", title(report, redactor), trailers.join("\n"))
}

/// The text of a pull request, without its marker.
pub(super) fn request(report: &Report, verdict: &PatchVerdict, thread: Option<Thread>, redactor: &Redactor) -> String {
    let mut out = String::new();
    let asked = thread.map_or_else(String::new, |thread| format!(" for {}", number(thread)));
    let _ = writeln!(out, "A change made by kcode{asked}, run `{}`: **{}**.\n", report.run, report.outcome.words());
    let _ =
        writeln!(out, "A model wrote it. It is a draft until a person has read it; kcode never approves or merges.\n");
    if verdict.needs_review {
        let _ = writeln!(out, "**The patch policy asks for a review of these places:**\n");
        findings(&mut out, verdict, redactor);
    }
    evidence(&mut out, report, redactor);
    let _ = writeln!(out, "**Cost**: {}\n", cost(report));
    let _ = writeln!(out, "**Task**\n\n{}", fenced(&defused(&report.task, redactor, TASK)));
    if let Some(said) = &report.said {
        let _ = writeln!(
            out,
            "**What the model says** (a claim, not evidence)\n\n{}",
            fenced(&defused(said, redactor, CLAIM))
        );
    }
    let whole = fenced(&defused(&report::markdown(report), redactor, WHOLE_REPORT));
    let _ = writeln!(out, "<details><summary>The whole report</summary>\n\n{whole}\n</details>");
    out
}

fn evidence(out: &mut String, report: &Report, redactor: &Redactor) {
    let tests = &report.tests;
    let went = |ran: Option<&report::TestsReported>| {
        let Some(ran) = ran else { return "not run".to_owned() };
        let counts = ran.result.counts.map(|it| format!("{} passed, {} failed", it.passed, it.failed));
        counts.unwrap_or_else(|| if ran.result.passed { "pass" } else { "fail" }.to_owned())
    };
    let command = tests.command.as_deref().map_or_else(|| "none".to_owned(), |it| defused_line(it, redactor, LINE));
    let _ = writeln!(out, "| Tests (`{command}`) | |\n|---|---|");
    let _ = writeln!(out, "| before | {} |\n| after | {} |", went(tests.baseline.as_ref()), went(tests.after.as_ref()));
    let matrix = &tests.matrix;
    for (what, names) in [
        ("fixed", &matrix.fixed),
        ("broken", &matrix.broken),
        ("new and failing", &matrix.new_failing),
        ("removed", &matrix.removed),
        ("newly skipped", &matrix.newly_skipped),
        ("flaky", &matrix.flaky),
    ] {
        if names.is_empty() {
            continue;
        }
        let mut told: Vec<String> =
            names.iter().take(NAMES).map(|name| format!("`{}`", defused_line(name, redactor, LINE))).collect();
        if names.len() > NAMES {
            told.push(format!("and {} more", names.len() - NAMES));
        }
        let _ = writeln!(out, "| {what} | {} |", told.join(", "));
    }
    if let Some(patch) = &report.patch {
        let _ = writeln!(out, "| changed files | {} |", patch.files.len());
    }
    let _ = writeln!(out);
}

fn findings(out: &mut String, verdict: &PatchVerdict, redactor: &Redactor) {
    for finding in verdict.findings.iter().take(NAMES) {
        let _ = writeln!(out, "- {}", defused_line(finding, redactor, LINE));
    }
    if verdict.findings.len() > NAMES {
        let _ = writeln!(out, "- and {} more", verdict.findings.len() - NAMES);
    }
    let _ = writeln!(out);
}

fn cost(report: &Report) -> String {
    let usage = &report.usage;
    let money = usage.cost_usd.map_or_else(|| "unknown (no price for this model)".to_owned(), |cost| cost.to_string());
    format!("{money}, {} requests, {} s", usage.requests, report.timing.total_ms / 1000)
}

/// The comment that leads to a pull request.
pub(super) fn published(url: &str, is_new: bool, run: &RunId, outcome: Outcome) -> String {
    let did = if is_new { "opened" } else { "updated" };
    format!("kcode {did} a draft: {url}\n\nRun `{run}`: {}. Evidence and cost are there.\n", outcome.words())
}

/// The comment before anything is pushed.
pub(super) fn beginning(run: &RunId) -> String {
    format!("kcode publishes run `{run}`.\n")
}

/// The comment that says why there is no pull request.
pub(super) fn not_published(artifact: &JobArtifact, why: &str, redactor: &Redactor) -> String {
    let run = artifact.run.as_ref().map_or_else(|| "no run".to_owned(), |run| format!("run `{run}`"));
    let mut out = format!("kcode proposes no change ({run}): **{}**.\n\n", defused_line(why, redactor, 2 * LINE));
    if let Some(hint) = &artifact.hint {
        let _ = writeln!(out, "Hint: {}\n", defused_line(hint, redactor, 2 * LINE));
    }
    if let Some(report) = &artifact.report {
        evidence(&mut out, report, redactor);
        let _ = writeln!(out, "**Cost**: {}", cost(report));
    }
    out
}

/// The comment about a patch that the policy refuses.
pub(super) fn refused(artifact: &JobArtifact, verdict: &PatchVerdict, redactor: &Redactor) -> String {
    let mut out = not_published(artifact, "the patch policy refuses it; the patch is in the job's artifact", redactor);
    out.push('\n');
    findings(&mut out, verdict, redactor);
    out
}

fn number(thread: Thread) -> String {
    match thread.kind {
        ThreadKind::Issue => format!("#{}", thread.number),
        ThreadKind::Request => format!("the request {}", thread.number),
    }
}
