//! Formats statistics in words, for people.

use std::fmt::Write;

use super::{Grouped, RunGroup, Share, Statistics};
use crate::journal::Usd;
use crate::text::{counted, sanitise, table};

/// Formats the statistics for people: all figures of the total, the main ones of each group.
#[must_use]
pub fn statistics_text(grouped: &Grouped) -> String {
    let mut out = String::new();
    for (label, text) in lines(&grouped.total) {
        // Writing to a String can't fail.
        let _ = writeln!(out, "{label:<16} {text}");
    }
    let groups = [("model", &grouped.by_model), ("repository", &grouped.by_repository), ("week", &grouped.by_week)];
    for (kind, groups) in groups.iter().filter(|(_, groups)| groups.len() > 1) {
        let headings = [*kind, " runs", " first success", " accepted", " undone", " p95", " cost", " per accepted"];
        let _ = write!(out, "\n{}", table(&headings, groups.iter().map(row).collect()));
    }
    out
}

fn lines(total: &Statistics) -> Vec<(&'static str, String)> {
    let patches = &total.patches;
    let unended = match total.unended {
        0 => String::new(),
        unended => format!(" ({unended} more recorded no end)"),
    };
    let cached = Share { count: total.usage.cached_tokens.0, of: total.usage.prompt_tokens.0 };
    vec![
        ("runs", format!("{}{unended}", total.runs)),
        ("first success", share(total.first_success)),
        ("verified", share(total.verified)),
        ("accepted whole", share(patches.whole)),
        ("accepted in part", share(patches.partial)),
        ("not accepted", share(patches.none)),
        ("handed off", share(patches.handed_off)),
        ("rolled back", share(patches.rolled_back)),
        ("human repair", repair(total)),
        ("retries", share(total.retries)),
        ("failed calls", share(total.tool_failures)),
        (
            "latency",
            format!(
                "mean {}, p95 {} of {}",
                seconds(total.latency.mean_ms),
                seconds(total.latency.p95_ms),
                replies(total.latency.replies)
            ),
        ),
        (
            "tokens",
            format!(
                "{} in ({} cached), {} out",
                total.usage.prompt_tokens,
                percent(cached),
                total.usage.completion_tokens
            ),
        ),
        ("cost", cost(total)),
    ]
}

fn row(group: &RunGroup) -> Vec<String> {
    let Statistics { runs, first_success, patches, latency, cost_usd, unpriced, cost_per_accepted_usd, .. } =
        &group.statistics;
    let accepted = Share { count: patches.whole.count + patches.partial.count, of: patches.whole.of };
    vec![
        group.name.clone(),
        runs.to_string(),
        percent(*first_success),
        percent(accepted),
        percent(patches.rolled_back),
        seconds(latency.p95_ms),
        match unpriced {
            0 => cost_usd.to_string(),
            _ if *cost_usd == Usd::default() => "?".to_owned(),
            _ => format!("> {cost_usd}"),
        },
        cost_per_accepted_usd.map_or_else(|| "–".to_owned(), |cost| cost.to_string()),
    ]
}

/// Formats a share as `3 of 4   75 %`.
fn share(share: Share) -> String {
    let Share { count, of } = share;
    format!("{count} of {of}   {}", percent(share))
}

fn percent(share: Share) -> String {
    share.rate().map_or_else(|| "–".to_owned(), |rate| format!("{:.0} %", rate * 100.0))
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1e3)
}

fn replies(count: u64) -> String {
    if count == 1 { "1 reply".to_owned() } else { format!("{count} replies") }
}

fn repair(total: &Statistics) -> String {
    let repair = &total.repair;
    let mut text = match repair.known {
        0 => "nothing known".to_owned(),
        known => {
            let Share { count, of } = repair.hunks;
            let lines = counted(repair.lines as usize, "line");
            let patches = if known == 1 { "1 patch".to_owned() } else { format!("{known} patches") };
            format!("{count} of {of} hunks edited, {lines}, in {patches}")
        }
    };
    if let Share { count, of } = repair.review_hunks
        && of > 0
    {
        let lines = counted(repair.review_lines as usize, "line");
        let _ = write!(text, "; in reviews {count} of {of} hunks, {lines}");
    }
    for (why, count) in &repair.unknown {
        let _ = write!(text, "; unknown for {count}: {}", sanitise(why));
    }
    text
}

fn cost(total: &Statistics) -> String {
    let each = total.cost_per_accepted_usd.map(|cost| format!("; {cost} for each accepted patch")).unwrap_or_default();
    let unknown = match total.unpriced {
        0 => String::new(),
        unpriced => format!("; unknown for {}", counted(unpriced as usize, "run")),
    };
    format!("{}{each}{unknown}", total.cost_usd)
}
