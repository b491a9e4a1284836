//! Explains to the user in a few lines why a test run failed.

use std::path::Path;

use super::causes::{Hidden, RunEnd, cause};
use super::declared::is_not_loaded;
use super::reasons::{last_lines, said};
use crate::journal::{FailedTest, TestCase, Verdict, WhyFailed};
use crate::tools::TestRun;

/// Number of tests that are named.
const TESTS: usize = 20;
/// Lines of output that are shown if no test is named.
const LINES: usize = 12;
/// If fewer than one in this many tests ran and the others could not be loaded, that counts as none.
const NEARLY_NONE: usize = 10;
const NODE_FILES: [&str; 7] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "tsx"];

/// Explains why `run`, which printed `output`, failed; `None` if it passed. `hidden` lists what the sandbox hides.
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
    let is_silent = tests.iter().all(|test| test.lines.is_empty());
    let lines = if is_silent { last_lines(output, LINES) } else { Vec::new() };
    let cause = cause(&ended(run, output, hidden));
    Some(WhyFailed { tests, more, lines, cause })
}

/// Collects what is needed to find the cause of a failed `run`.
#[must_use]
pub fn ended<'a>(run: &'a TestRun, output: &'a str, hidden: Hidden<'a>) -> RunEnd<'a> {
    RunEnd {
        command: &run.command,
        output,
        exit_code: run.exit_code,
        stopped: run.stopped.as_deref(),
        any_ran: any_ran(run, output),
        hidden,
        tree: Path::new(&run.view),
    }
}

/// Whether tests really ran: runners report what couldn't be loaded as a failure, and a few tests may run all the same.
fn any_ran(run: &TestRun, output: &str) -> bool {
    let Some(results) = run.results.as_ref().filter(|results| !results.tests.is_empty()) else {
        let counts = run.counts.unwrap_or_default();
        return counts.passed > 0 || (counts.failed > not_set_up(output) && !is_not_loaded(output));
    };
    let told = results.tests.iter().filter(|(_, case)| case.verdict != Verdict::Skipped);
    let is_load = |name: &str, case: &TestCase| {
        let said = case.message.as_deref().unwrap_or_default();
        // For a file that ends before any of its tests, node reports only the file.
        let is_file = Path::new(name).extension().is_some_and(|it| NODE_FILES.iter().any(|known| it == *known));
        case.verdict.is_failure() && (is_not_loaded(said) || (is_file && is_not_loaded(output)))
    };
    let (mut all, mut ran) = (0, 0);
    for (name, case) in told {
        all += 1;
        ran += usize::from(!is_load(name, case));
    }
    ran * NEARLY_NONE > all
}

/// Packages whose imports Go didn't find, each of which it counts as a failure.
fn not_set_up(output: &str) -> u64 {
    output.lines().filter(|line| line.starts_with("FAIL\t") && line.ends_with(" [setup failed]")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::TestResults;

    #[test]
    fn no_test_of_go_ran_in_packages_whose_imports_are_missing() {
        let output = "# p\ncalc.go:3:8: missing go.sum entry for module providing package example.org/odd (imported by p)\nFAIL\tp [setup failed]\nFAIL\n";
        let nothing = Hidden { around: &[], named: &[], closed: &|_| false };
        let of = |failed| {
            let counts = Some(crate::journal::TestCounts { failed, ..Default::default() });
            let run = TestRun { command: "go test ./...".into(), exit_code: Some(1), counts, ..TestRun::default() };
            why_failed(&run, output, nothing).unwrap().cause.is_some_and(|cause| cause.blocks)
        };
        assert!(of(1));
        assert!(!of(2), "another failed by itself");
    }

    #[test]
    fn names_say_more_than_output_and_both_are_bounded() {
        let case = TestCase { verdict: Verdict::Failed, message: Some("no".to_owned()), file: None };
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
