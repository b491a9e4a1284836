//! Reads `go test -v`, package after package, and the same as JSON (`go test -json`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};

/// Returns the results in `lines`; `None` if none comes from `go test`.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let events = lines.iter().filter_map(|line| GoTestEvent::read(line));
    let mut reading = GoReader::default();
    events.for_each(|event| reading.event(&event));
    if reading.packages > 0 {
        // Older versions print this outside of the JSON.
        reading.broken |= lines.iter().any(|line| package(line).is_some_and(|(_, rest)| rest.contains(" failed]")));
        return Some(reading.finish("go test, JSON"));
    }
    let mut reading = GoReader::default();
    for line in lines {
        reading.line(line);
    }
    let any = reading.packages > 0 || reading.current.values().any(|test| test.verdict.is_some());
    (any && reading.verbose).then(|| reading.finish("go test, text"))
}

#[derive(Default)]
struct GoReader {
    collector: ResultCollector,
    /// Tests of the package that is running, whose name is printed after them.
    current: BTreeMap<String, GoTest>,
    /// Tests of each package if packages are named in advance, as with JSON, where they run in parallel.
    packaged: BTreeMap<String, BTreeMap<String, GoTest>>,
    /// The test whose output is being read.
    speaker: Option<String>,
    packages: usize,
    verbose: bool,
    broken: bool,
}

#[derive(Default)]
struct GoTest {
    verdict: Option<Verdict>,
    output: String,
}

/// A line of `-json` (`go doc test2json`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoTestEvent {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    output: Option<String>,
}

impl GoTestEvent {
    fn read(line: &str) -> Option<Self> {
        line.starts_with("{\"").then(|| serde_json::from_str(line).ok()).flatten()
    }
}

impl GoReader {
    fn line(&mut self, line: &str) {
        if let Some((name, what)) = marked(line) {
            self.verbose = true;
            self.current.entry(name.to_owned()).or_default();
            self.speaker = (what != "PAUSE").then(|| name.to_owned());
        } else if let Some((name, verdict)) = ended(line).filter(|(name, _)| self.current.contains_key(*name)) {
            self.current.entry(name.to_owned()).or_default().verdict = Some(verdict);
            self.speaker = Some(name.to_owned());
        } else if let Some((package, rest)) = package(line) {
            self.broken |= rest.contains(" failed]");
            self.close(package);
        } else if line == "PASS" || line == "FAIL" || line.starts_with("exit status ") {
            self.speaker = None;
        } else if let Some(test) = self.speaker.as_ref().and_then(|name| self.current.get_mut(name)) {
            test.output.push_str(line.trim_start());
            test.output.push('\n');
        }
    }

    /// Ends a package. A test that began and didn't end has crashed it.
    fn close(&mut self, package: &str) {
        self.packages += 1;
        self.speaker = None;
        for (name, test) in std::mem::take(&mut self.current) {
            self.broken |= test.verdict.is_none();
            // A panic goes on printing in its test while it ends the process.
            self.broken |= test.output.starts_with("panic: ") || test.output.contains("\npanic: ");
            let name = format!("{package}::{name}");
            let verdict = test.verdict.unwrap_or(Verdict::Failed);
            self.collector.add(&name, verdict);
            if verdict == Verdict::Failed {
                self.collector.explain(&name, &test.output);
                let files = || test.output.lines().filter_map(file);
                if let Some(file) = files().find(|file| file.ends_with("_test.go")).or_else(|| files().next()) {
                    self.collector.locate(&name, file);
                }
            }
        }
    }

    fn event(&mut self, event: &GoTestEvent) {
        let Some(name) = &event.test else {
            if ["pass", "fail", "skip"].contains(&event.action.as_str()) && !event.package.is_empty() {
                self.current = self.packaged.remove(&event.package).unwrap_or_default();
                // A package that doesn't compile fails without any test.
                self.broken |= event.action == "fail" && self.current.is_empty();
                self.close(&event.package);
            }
            return;
        };
        let package = self.packaged.entry(event.package.clone()).or_default();
        let test = package.entry(name.clone()).or_default();
        match event.action.as_str() {
            "pass" => test.verdict = Some(Verdict::Passed),
            "fail" => test.verdict = Some(Verdict::Failed),
            "skip" => test.verdict = Some(Verdict::Skipped),
            "output" => {
                let output = event.output.as_deref().unwrap_or_default().trim_start();
                if !output.starts_with("=== ") && !output.starts_with("--- ") {
                    test.output.push_str(output);
                }
            }
            _ => {}
        }
    }

    fn finish(self, source: &str) -> TestResults {
        // Tests without a line of their package were cut off, and their package is unknown.
        let all_named = self.current.is_empty() && self.packaged.is_empty();
        let complete = all_named && !self.broken && self.packages > 0;
        self.collector.finish(source, complete)
    }
}

/// `=== RUN   TestTable/small`
fn marked(line: &str) -> Option<(&str, &str)> {
    let (what, name) = line.strip_prefix("=== ")?.split_once(' ')?;
    ["RUN", "CONT", "NAME", "PAUSE"].contains(&what).then(|| (name.trim(), what))
}

/// `    --- FAIL: TestTable/small (0.00s)`, perhaps after output of the test that has no line end.
fn ended(line: &str) -> Option<(&str, Verdict)> {
    let words = [("--- PASS: ", Verdict::Passed), ("--- FAIL: ", Verdict::Failed), ("--- SKIP: ", Verdict::Skipped)];
    words.iter().find_map(|(word, verdict)| {
        let (_, rest) = line.split_once(word)?;
        Some((rest.rsplit_once(" (")?.0, *verdict))
    })
}

/// Parses lines that begin with `ok` or `FAIL`, a tab, and the package.
fn package(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("ok  \t").or_else(|| line.strip_prefix("FAIL\t"))?;
    Some(rest.split_once(['\t', ' ']).unwrap_or((rest, ""))).map(|(package, _)| (package, rest))
}

/// Returns the file of `calc_test.go:11: Add(1, 1) = 2, want 3`.
fn file(line: &str) -> Option<&str> {
    let (file, rest) = line.split_once(".go:")?;
    let is_place = rest.starts_with(|char: char| char.is_ascii_digit()) && !file.contains(' ');
    is_place.then(|| &line[..file.len() + 3])
}
