//! Renders the last lines of a run: outcome, evidence and cost.

use console::StyledObject;

use super::terminal::style;
use crate::journal::Outcome;
use crate::report::Report;
use crate::text::{counted, sanitise, sanitise_line};

/// Most lines shown of the model's last message; the report has all.
const SAID_LINES: usize = 8;

/// The last lines: outcome, evidence and cost.
#[must_use]
pub(crate) fn closing(report: &Report) -> String {
    let hint = report.hint.as_ref().map_or_else(String::new, |hint| format!("\n  hint: {}", sanitise_line(hint)));
    let change = report.patch.as_ref().map_or_else(String::new, |patch| {
        let (removed, added) = patch.files.iter().fold((0, 0), |(r, a), file| (r + file.removed, a + file.added));
        format!("{}, −{removed} +{added} · ", counted(patch.files.len(), "file"))
    });
    let gaps = report.patch.iter().flat_map(|patch| &patch.left_out);
    let gaps = gaps.map(|gap| format!("\n  left out: {}", sanitise_line(gap))).collect::<Vec<_>>().concat();
    let gaps = report.generated.told().iter().fold(gaps, |lines, line| format!("{lines}\n  {}", sanitise_line(line)));
    let detail = sanitise_line(&report.detail);
    // A detail that repeats the outcome is left out.
    let detail = if detail == report.outcome.name() { "".into() } else { detail };
    let said = report.said.as_deref().map_or_else(String::new, said);
    let change = if detail.is_empty() { change.trim_end_matches(" · ").to_owned() } else { change };
    let what = [if change.is_empty() && detail.is_empty() { "" } else { "  " }, change.as_str(), &*detail].concat();
    format!("\n{}{what}{gaps}{hint}\n{said}\n{}", outcome(report.outcome), price_tag(report))
}

/// The model's last message, marked as a claim.
fn said(text: &str) -> String {
    let clean = sanitise(text);
    let mut lines: Vec<_> = clean.trim().lines().take(SAID_LINES + 1).map(|line| format!("  {line}\n")).collect();
    if lines.len() > SAID_LINES {
        lines.truncate(SAID_LINES);
        lines.push("  …\n".to_owned());
    }
    format!("\n{}\n{}", style("the model says").dim(), lines.concat())
}

pub(super) fn outcome(outcome: Outcome) -> StyledObject<&'static str> {
    let name = style(outcome.words()).bold();
    match outcome {
        Outcome::Verified => name.green(),
        Outcome::Unverified | Outcome::NoChange | Outcome::Budget | Outcome::Interrupted => name.yellow(),
        _ => name.red(),
    }
}

fn price_tag(report: &Report) -> String {
    let tokens = report.usage.tokens;
    let cached = (tokens.cached_tokens.0 * 100).checked_div(tokens.prompt_tokens.0).unwrap_or(0);
    format!(
        "cost {} · {} · {} tokens in ({cached} % cached), {} out · reasoning kept {}/{} · {:.0} s",
        report.cost_in_words(),
        counted(report.budget.turns as usize, "turn"),
        tokens.prompt_tokens,
        tokens.completion_tokens,
        report.reasoning.kept,
        report.reasoning.turns,
        report.timing.total_ms as f64 / 1e3,
    )
}
