//! Why a run failed, in a few lines for people.

use std::path::Path;

use super::causes::{Ended, Hidden, cause};
use crate::journal::{FailedTest, WhyFailed};
use crate::tools::TestRun;

/// Tests that are named.
const TESTS: usize = 20;
/// Lines of what one of them says.
const OF_A_TEST: usize = 3;
/// Lines of the output, where no test is named.
const LINES: usize = 12;
/// Characters of a line.
const LINE: usize = 200;

/// Why `run`, which printed `output`, failed; `None` when it passed. `hidden` says what the sandbox shows little of.
#[must_use]
pub fn why_failed(run: &TestRun, output: &str, hidden: Hidden<'_>) -> Option<WhyFailed> {
    if run.passed() || run.stopped.as_deref() == Some("cancelled") {
        return None;
    }
    let all = run.results.iter().flat_map(|results| results.tests.iter());
    let failed = all.filter(|(_, case)| case.verdict.is_failure());
    let more = failed.clone().count().saturating_sub(TESTS) as u64;
    let told = failed.take(TESTS).map(|(name, case)| FailedTest {
        name: name.to_string(),
        lines: case.message.as_deref().map_or_else(Vec::new, said),
    });
    let tests: Vec<FailedTest> = told.collect();
    let lines = if tests.is_empty() { last_lines(output, LINES) } else { Vec::new() };
    let counted = run.counts.is_some_and(|counts| counts.passed + counts.failed > 0);
    let any_ran = counted || run.results.as_ref().is_some_and(|results| !results.tests.is_empty());
    let stopped = run.stopped.as_deref();
    let cause = cause(&Ended { output, stopped, any_ran, hidden, tree: Path::new(&run.view) });
    Some(WhyFailed { tests, more, lines, cause })
}

/// The end of what a test says, without the frames of a stack.
fn said(message: &str) -> Vec<String> {
    let is_frame = |line: &&str| {
        line.starts_with("at ") || line.starts_with("note: run with ") || line.starts_with("note: Some details")
    };
    let told: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty() && !is_frame(line)).collect();
    told[told.len().saturating_sub(OF_A_TEST)..].iter().map(|line| plain(line)).collect()
}

fn last_lines(output: &str, most: usize) -> Vec<String> {
    let end = &output[output.ceil_char_boundary(output.len().saturating_sub(16 * 1024))..];
    let lines: Vec<String> = end.lines().map(plain).filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(most)..].to_vec()
}

/// A line without escape sequences and what was overwritten; not too long.
fn plain(line: &str) -> String {
    let line = console::strip_ansi_codes(line.trim_end());
    let last_state = line.rsplit('\r').next().unwrap_or_default();
    let mut shown: String = last_state.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
    if let Some((end, _)) = shown.char_indices().nth(LINE) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{TestCase, TestResults, Verdict};

    #[test]
    fn a_test_tells_by_its_last_lines() {
        let message = "thread 't' panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `X`\n";
        assert_eq!(said(message), ["assertion `left == right` failed", "left: 1", "right: 2"]);
        assert_eq!(said("Error: no\n    at a.js:1\n    at b.js:2\n"), ["Error: no"]);
    }

    #[test]
    fn names_say_more_than_output_and_both_are_bounded() {
        let case = TestCase { verdict: Verdict::Failed, message: None, file: None };
        let tests = (0..50).map(|n| (format!("t{n:02}").into(), case.clone())).collect();
        let results = Some(TestResults { source: String::new(), tests: std::sync::Arc::new(tests), complete: true });
        let output = "\u{1b}[31mred\u{1b}[0m\n10%\r99%\n\n".repeat(30);
        let run = TestRun { exit_code: Some(1), ..TestRun::default() };
        let nothing = Hidden { around: &[], named: &[], closed: &|_| false };
        let named = why_failed(&TestRun { results, ..run.clone() }, &output, nothing).unwrap();
        assert_eq!((named.tests.len(), named.more, named.lines.len()), (TESTS, 30, 0));
        let unnamed = why_failed(&run, &output, nothing).unwrap();
        assert_eq!((unnamed.lines.len(), &*unnamed.lines[0], &*unnamed.lines[1]), (LINES, "red", "99%"));
        assert_eq!(why_failed(&TestRun { exit_code: Some(0), ..run }, &output, nothing), None);
    }
}
