//! Single results from what a runner wrote: its reports first, else what it printed.
//!
//! Pure, and wary: the repository's own code wrote every byte. Recorded runs stand in `fixtures/test-results`.
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

/// What is left of a run of a test command.
#[derive(Clone, Copy, Debug)]
pub struct RunOutput<'a> {
    /// The folder of the repository as the command saw it; names and files are told from there.
    pub root: &'a str,
    /// What it printed.
    pub output: &'a str,
    /// What it wrote besides.
    pub reports: &'a [Vec<u8>],
    /// It ended by itself, and all it printed is here.
    pub ended: bool,
    /// Its exit code was 0.
    pub passed: bool,
}

/// Where names change from run to run.
const TEMPORARY: [&str; 4] = ["/tmp/", "/var/tmp/", "/private/", "/var/folders/"];

/// Reads what one runner prints, if it does.
type OutputReader = fn(&[&str]) -> Option<TestResults>;

/// By the word that `source` begins with. A runner whose report was read isn't read again from its text.
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

/// Each test's result; `None` when none of this is of a form that kcode knows. Several runners in one output add up.
#[must_use]
pub fn results(written: &RunOutput) -> Option<TestResults> {
    let prefix = format!("{}/", written.root.trim_end_matches('/'));
    if !TEMPORARY.iter().any(|folder| prefix.starts_with(folder)) {
        return read(written);
    }
    // What lies in a folder for temporary files has another name each time, but the tree itself.
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
    // A makefile may run pytest more than once, and each run writes over the report of the one before.
    let pytests = lines.iter().filter(|line| counts::pytest(&[line]).is_some()).count();
    for read in found.iter_mut().filter(|read| read.source.starts_with("pytest")) {
        read.complete &= pytests <= written.reports.len();
    }
    for (name, read) in READERS {
        // Nextest shows the lines of libtest that it runs.
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

/// The view lies elsewhere in each run; what is in it doesn't.
fn from_root(results: &mut TestResults, root: &str) {
    let prefix = format!("{}/", root.trim_end_matches('/'));
    if prefix.len() < 2 {
        return;
    }
    let holds = |text: &str| text.contains(&prefix);
    let names_it = |(name, test): (&Arc<str>, &TestCase)| {
        holds(name) || test.file.as_deref().is_some_and(holds) || test.message.as_deref().is_some_and(holds)
    };
    // Of a hundred thousand tests nobody makes another list where there is nothing to replace.
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
