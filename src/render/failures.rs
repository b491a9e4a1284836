//! Why tests failed, in lines below the line that says that they did.

use std::path::Path;

use super::terminal::style;
use crate::journal::{FailedTest, TestsRan, WhyFailed};
use crate::text::sanitise_line;

/// Tests and lines that are shown, unless more is asked for.
const FEW: usize = 3;
/// Where the words begin that stand above.
const INDENT: &str = "            ";

/// The lines for `ran`; empty when it passed, or when nothing is known. `logs` is where logs are kept; neither they nor the cause
/// are told where `tells_cause` is false.
pub(super) fn failure_lines(ran: &TestsRan, much: bool, logs: Option<&Path>, tells_cause: bool) -> String {
    let Some(why) = &ran.result.why else { return String::new() };
    let WhyFailed { tests, more, lines, cause } = why;
    let most = if much { usize::MAX } else { FEW };
    let mut out: Vec<String> = Vec::new();
    for test in tests.iter().take(most) {
        out.extend(of_test(test, much));
    }
    match tests.len().saturating_sub(most) as u64 + more {
        0 => {}
        1 => out.push("and 1 other".to_owned()),
        more => out.push(format!("and {more} others")),
    }
    let shown = if tests.is_empty() { &lines[lines.len().saturating_sub(most)..] } else { &[] };
    out.extend(shown.iter().map(|line| sanitise_line(line).into_owned()));
    if let Some(cause) = cause.as_ref().filter(|_| tells_cause) {
        out.push(style(format!("{}: {}", sanitise_line(&cause.what), sanitise_line(&cause.hint))).yellow().to_string());
    }
    if let Some(logs) = logs.filter(|_| tells_cause && !ran.log.is_empty()) {
        out.push(
            style(format!("log: {}", sanitise_line(&logs.join(&ran.log).display().to_string()))).dim().to_string(),
        );
    }
    let lines = out.into_iter().map(|line| format!("\n{INDENT}{line}"));
    lines.collect::<Vec<_>>().concat()
}

/// The name with what it says last; with `much` all that is known, a line each.
fn of_test(test: &FailedTest, much: bool) -> Vec<String> {
    let name = sanitise_line(&test.name);
    match (much, test.lines.last()) {
        (true, Some(_)) => {
            let lines = test.lines.iter().map(|line| format!("  {}", sanitise_line(line)));
            std::iter::once(name.into_owned()).chain(lines).collect()
        }
        (_, Some(last)) => vec![format!("{name}: {}", sanitise_line(last))],
        (_, None) => vec![name.into_owned()],
    }
}
