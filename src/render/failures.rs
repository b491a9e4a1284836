//! Shows why tests failed, below the line that reports the failure.

use std::path::Path;

use super::terminal::style;
use crate::journal::{FailedTest, TestsRan, WhyFailed};
use crate::text::sanitise_line;

/// Most tests and lines shown, unless `much`.
const FEW: usize = 3;
/// Aligned with the text of the line above.
const INDENT: &str = "            ";

/// The lines for `ran`; empty if it passed, or if nothing is known. `logs` is the folder of the logs. If `tells_cause`
/// is false, neither the logs nor the cause are mentioned.
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

/// The test's name with the last line of its message; with `much`, with all lines.
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
