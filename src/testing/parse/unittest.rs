//! Reads the output of Python's unittest: under `-v` one line per test, else only failures.

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};

/// The line of 70 characters above each failure.
const HEADING: &str = "======================================================================";
const RULE: &str = "----------------------------------------------------------------------";

/// Returns the results in `lines`; `None` if none comes from unittest.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let mut reading = UnittestReader::default();
    // A module that can't be imported is reported as one failed test.
    let gaps = lines.iter().any(|line| line.contains("(unittest.loader._FailedTest"));
    let mut lines = lines.iter().copied().peekable();
    while let Some(line) = lines.next() {
        if line == HEADING
            && let Some(title) = lines.peek()
        {
            reading.failure(title);
        } else {
            reading.line(line);
        }
    }
    reading.end_failure();
    let complete = reading.ran == Some(reading.told) && !gaps;
    (reading.ran.is_some() || reading.told > 0).then(|| reading.collector.finish("unittest, text", complete))
}

#[derive(Default)]
struct UnittestReader {
    collector: ResultCollector,
    /// The test that has begun and whose verdict is not yet known.
    begun: Option<String>,
    told: u64,
    ran: Option<u64>,
    /// The failure that is being read, and its text.
    failure: Option<(String, String)>,
}

impl UnittestReader {
    fn line(&mut self, line: &str) {
        if let Some(ran) = ran(line) {
            self.end_failure();
            self.ran = Some(self.ran.unwrap_or(0) + ran);
            return;
        }
        if let Some((_, text)) = &mut self.failure {
            if line != RULE {
                text.push_str(line);
                text.push('\n');
            }
            return;
        }
        // A test with words of its own has them on a second line; one that prints has its verdict later.
        let (title, said) =
            line.rsplit_once(" ... ").or_else(|| Some((line.strip_suffix(" ...")?, ""))).unwrap_or((line, ""));
        if let Some(name) = name(title) {
            if line.starts_with("  ") {
                // A part of a test; the failing ones are all that is told.
                self.collector.amend(&name, Verdict::Failed);
                return;
            }
            self.begun = Some(name.clone());
            self.told += 1;
        }
        let Some(verdict) = verdict(if said.is_empty() { line } else { said }) else { return };
        if let Some(name) = self.begun.take() {
            self.collector.amend(&name, verdict);
        }
    }

    /// `ERROR: test_error (tests.test_core.Add.test_error)`
    fn failure(&mut self, title: &str) {
        self.end_failure();
        self.begun = None;
        let Some((_, title)) = title.split_once(": ") else { return };
        let Some(name) = name(title) else { return };
        self.collector.amend(&name, Verdict::Failed);
        self.failure = Some((name, String::new()));
    }

    fn end_failure(&mut self) {
        let Some((name, text)) = self.failure.take() else { return };
        // The first line repeats the title.
        let text = text.split_once('\n').map_or("", |(_, rest)| rest);
        self.collector.explain(&name, text);
        let mut files = text.lines().filter_map(|line| line.trim_start().strip_prefix("File \"")?.split('"').next());
        if let Some(file) = files.next_back() {
            self.collector.locate(&name, file);
        }
    }
}

/// `test_big (tests.test_core.Add.test_big)`, before Python 3.11 without the test at the end of the brackets.
fn name(title: &str) -> Option<String> {
    let (test, rest) = title.trim_start().split_once(" (")?;
    let class = rest.split_once(')')?.0;
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|char| char.is_alphanumeric() || "_.".contains(char));
    let class = class.strip_suffix(test).map_or(class, |class| class.trim_end_matches('.'));
    (is_name(test) && is_name(class)).then(|| format!("{class}::{test}"))
}

fn verdict(said: &str) -> Option<Verdict> {
    match said {
        "ok" | "expected failure" => Some(Verdict::Passed),
        "FAIL" | "ERROR" | "unexpected success" => Some(Verdict::Failed),
        _ if said.starts_with("skipped ") => Some(Verdict::Skipped),
        _ => None,
    }
}

/// `Ran 7 tests in 0.001s`
fn ran(line: &str) -> Option<u64> {
    let (ran, took) = line.strip_prefix("Ran ")?.split_once(" in ")?;
    took.strip_suffix('s')?.parse::<f64>().ok()?;
    ran.strip_suffix(" tests").or_else(|| ran.strip_suffix(" test"))?.parse().ok()
}
