//! Reads single test results from a runner's reports, or else from its output.
//!
//! Pure functions on hostile input: the repository's own code wrote every byte. Recorded runs are in
//! `fixtures/test-results`.
//!
//! | File | What it is about |
//! |---|---|
//! | `collector`, `outline` | tests as they are found: names that stay the same, messages that stay short; suites in suites |
//! | `junit`, `json` | reports: JUnit XML of any runner, the JSON of jest, vitest and RSpec |
//! | `libtest`, `nextest`, `go`, `pytest`, `unittest` | what these print |
//! | `libtest_events` | libtest's JSON |
//! | `tap` | the Test Anything Protocol, whoever prints it |
//! | `spec` | the trees of node, mocha, jest and vitest |
//! | `exunit` | `mix test` |
//! | `blocks` | minitest, CTest, `dotnet test` |

mod blocks;
mod collector;
mod exunit;
mod go;
mod json;
mod junit;
mod libtest;
mod libtest_events;
mod nextest;
mod outline;
mod pytest;
mod spec;
mod tap;
mod unittest;

use std::sync::Arc;

use super::counts;
use crate::journal::{TestCase, TestResults, shared};

/// Output and reports of a run of a test command.
#[derive(Clone, Copy, Debug)]
pub struct RunOutput<'a> {
    /// Path of the repository as the command saw it; results name files relative to it.
    pub root: &'a str,
    /// Everything that the command printed.
    pub output: &'a str,
    /// Contents of the report files.
    pub reports: &'a [Vec<u8>],
    /// Whether the command ended by itself, so that `output` is complete.
    pub ended: bool,
    /// Whether its exit code was 0.
    pub passed: bool,
}

/// Folders with names that differ from run to run.
const TEMPORARY: [&str; 4] = ["/tmp/", "/var/tmp/", "/private/", "/var/folders/"];

/// Reads the output of one runner; `None` if it didn't print any.
type OutputReader = fn(&[&str]) -> Option<TestResults>;

/// By the first word of `source`. A runner whose report was read isn't read again from its output.
const READERS: [(&str, OutputReader); 15] = [
    ("nextest", nextest::read),
    ("libtest", libtest::read),
    ("pytest", pytest::read),
    ("unittest", unittest::read),
    ("go test", go::read),
    ("vitest", spec::vitest),
    ("jest", spec::jest),
    ("node", spec::node),
    ("mocha", spec::mocha),
    ("TAP", tap::read),
    ("minitest", blocks::minitest),
    ("RSpec", blocks::rspec),
    ("ExUnit", exunit::read),
    ("CTest", blocks::ctest),
    ("dotnet test", blocks::dotnet),
];

/// Returns each test's result; `None` if no known runner wrote any of this. Several runners in one output are merged.
#[must_use]
pub fn results(written: &RunOutput) -> Option<TestResults> {
    let prefix = format!("{}/", written.root.trim_end_matches('/'));
    if !TEMPORARY.iter().any(|folder| prefix.starts_with(folder)) {
        return read(written);
    }
    // The collector replaces temporary paths, which must not affect the tree's own path.
    let reports: Vec<Vec<u8>> = written
        .reports
        .iter()
        .map(|report| String::from_utf8_lossy(report).replace(&prefix, "").into_bytes())
        .collect();
    let output = written.output.replace(&prefix, "");
    read(&RunOutput { output: &output, reports: &reports, ..*written })
}

fn read(written: &RunOutput) -> Option<TestResults> {
    let plain = console::strip_ansi_codes(written.output);
    let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
    let reports = [junit::read(written.reports), json::read(written.reports, written.passed)];
    let mut found: Vec<TestResults> = reports.into_iter().flatten().collect();
    // A makefile may run pytest more than once, and each run overwrites the previous report.
    let pytests = lines.iter().filter(|line| counts::pytest(&[line]).is_some()).count();
    for read in found.iter_mut().filter(|read| read.source.starts_with("pytest")) {
        read.complete &= pytests <= written.reports.len();
    }
    for (name, read) in READERS {
        // Nextest prints lines of libtest.
        let is_known = |found: &TestResults| {
            found.source.starts_with(name) || (name == "libtest" && found.source.starts_with("nextest"))
        };
        if !found.iter().any(is_known) {
            found.extend(read(&lines));
        }
    }
    let mut all = found.into_iter().reduce(join)?;
    all.complete &= written.ended;
    from_root(&mut all, written.root);
    Some(all)
}

fn join(mut one: TestResults, other: TestResults) -> TestResults {
    one.source = format!("{}; {}", one.source, other.source);
    one.complete &= other.complete;
    let tests = Arc::make_mut(&mut one.tests);
    for (name, test) in Arc::unwrap_or_clone(other.tests) {
        tests.entry(name).or_insert(test);
    }
    one
}

/// Makes paths relative, since the view has another path in each run.
fn from_root(results: &mut TestResults, root: &str) {
    let prefix = format!("{}/", root.trim_end_matches('/'));
    if prefix.len() < 2 {
        return;
    }
    let holds = |text: &str| text.contains(&prefix);
    let names_it = |(name, test): (&Arc<str>, &TestCase)| {
        holds(name) || test.file.as_deref().is_some_and(holds) || test.message.as_deref().is_some_and(holds)
    };
    // Avoids copying a long list of tests if there is nothing to replace.
    if !results.tests.iter().any(names_it) {
        return;
    }
    let plain = |name: &str| shared(&name.replace(&prefix, ""));
    let tests = results.tests.iter().map(|(name, test)| {
        let message = test.message.as_ref().map(|message| message.replace(&prefix, ""));
        (plain(name), TestCase { verdict: test.verdict, message, file: test.file.as_deref().map(plain) })
    });
    results.tests = Arc::new(tests.collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_large_suite_hold_its_names_once() {
        let printed = |failing: usize| {
            let line = |number: usize| {
                let verdict = if number == failing { "FAILED" } else { "ok" };
                format!("test suite::tests::number_{number} ... {verdict}\n")
            };
            let tests: String = (0..20_000).map(line).collect();
            format!(
                "running 20000 tests\n{tests}\ntest result: FAILED. 19999 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n"
            )
        };
        let read = |output: &str| {
            let written = RunOutput { root: "/view", output, reports: &[], ended: true, passed: false };
            results(&written).unwrap()
        };
        let (one, other) = (read(&printed(1)), read(&printed(2)));
        assert_eq!(one.tests.len(), 20_000);
        assert!(one.tests.keys().zip(other.tests.keys()).all(|(name, same)| Arc::ptr_eq(name, same)));
        assert!(Arc::ptr_eq(&one.tests, &one.clone().tests), "a copy for those who look is none");
        let mut kept: TestResults = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        kept.share_names();
        assert!(kept == one && kept.tests.keys().zip(one.tests.keys()).all(|(name, same)| Arc::ptr_eq(name, same)));
    }
}
