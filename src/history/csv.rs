//! Statistics as CSV: one line for the total, and one for each group.
//!
//! Names come from settings and the disk. A spreadsheet evaluates a cell that begins like a formula, so such a name
//! gets a leading apostrophe, as <https://owasp.org/www-community/attacks/CSV_Injection> recommends.

use super::{Grouped, Statistics};
use crate::journal::Usd;
use crate::text::sanitise;

/// Formats the statistics as CSV with headings.
///
/// # Errors
/// When a line can't be written, which doesn't happen in memory.
pub fn statistics_sheet(grouped: &Grouped) -> csv::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let headings = figures(&grouped.total).into_iter().map(|(heading, _)| heading);
    writer.write_record(["by", "name"].into_iter().chain(headings))?;
    for (by, name, statistics) in lines(grouped) {
        let figures = figures(statistics).into_iter().map(|(_, figure)| figure);
        writer.write_record([by.to_owned(), text(name)].into_iter().chain(figures))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(grouped: &Grouped) -> impl Iterator<Item = (&'static str, &str, &Statistics)> {
    let groups = [("model", &grouped.by_model), ("repository", &grouped.by_repository), ("week", &grouped.by_week)];
    let groups = groups.into_iter().flat_map(|(by, groups)| groups.iter().map(move |group| (by, group)));
    let groups = groups.map(|(by, group)| (by, group.name.as_str(), &group.statistics));
    [("total", "", &grouped.total)].into_iter().chain(groups)
}

/// Makes a text cell safe for spreadsheets and terminals.
fn text(cell: &str) -> String {
    let cell = sanitise(cell).replace(['\n', '\t'], " ");
    let is_formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell }
}

/// Each figure with the heading of its column.
fn figures(of: &Statistics) -> Vec<(&'static str, String)> {
    let patches = &of.patches;
    let dollars = |amount: Usd| amount.dollars().to_string();
    vec![
        ("runs", of.runs.to_string()),
        ("unended", of.unended.to_string()),
        ("with_reply", of.first_success.of.to_string()),
        ("first_success", of.first_success.count.to_string()),
        ("verified", of.verified.count.to_string()),
        ("with_patch", patches.whole.of.to_string()),
        ("accepted_whole", patches.whole.count.to_string()),
        ("accepted_partly", patches.partial.count.to_string()),
        ("accepted_none", patches.none.count.to_string()),
        ("handed_off", patches.handed_off.count.to_string()),
        ("applied", patches.rolled_back.of.to_string()),
        ("rolled_back", patches.rolled_back.count.to_string()),
        ("repair_known", of.repair.known.to_string()),
        ("repair_unknown", of.repair.unknown.values().sum::<u64>().to_string()),
        ("repair_hunks", of.repair.hunks.of.to_string()),
        ("repair_hunks_edited", of.repair.hunks.count.to_string()),
        ("repair_lines", of.repair.lines.to_string()),
        ("review_hunks", of.repair.review_hunks.of.to_string()),
        ("review_hunks_edited", of.repair.review_hunks.count.to_string()),
        ("review_lines", of.repair.review_lines.to_string()),
        ("requests", of.retries.of.to_string()),
        ("retries", of.retries.count.to_string()),
        ("tool_calls", of.tool_failures.of.to_string()),
        ("tool_failures", of.tool_failures.count.to_string()),
        ("latency_mean_ms", of.latency.mean_ms.to_string()),
        ("latency_p95_ms", of.latency.p95_ms.to_string()),
        ("prompt_tokens", of.usage.prompt_tokens.0.to_string()),
        ("cached_tokens", of.usage.cached_tokens.0.to_string()),
        ("completion_tokens", of.usage.completion_tokens.0.to_string()),
        ("cost_usd", dollars(of.cost_usd)),
        ("unpriced", of.unpriced.to_string()),
        ("cost_per_accepted_usd", of.cost_per_accepted_usd.map_or_else(String::new, dollars)),
    ]
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_that_looks_like_a_formula_is_left_one() {
        for (name, cell) in [
            ("/home/a/project", "/home/a/project"),
            ("kimi-k2.7-code", "kimi-k2.7-code"),
            ("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"),
            ("+1", "'+1"),
            ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "' =1"),
            ("\r\n=1", "' =1"),
            ("\u{1b}[31m=1", "'=1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(text(name), cell, "{name:?}");
        }
    }
}
