//! Reads the output of `cargo test`: libtest's lines or its JSON, binary after binary.

use super::collector::ResultCollector;
use super::libtest_events::{LibtestNews, told};
use crate::journal::{TestResults, Verdict};

/// Returns the results in `lines`; `None` if none comes from libtest.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let mut reading = LibtestReader::default();
    for line in lines {
        reading.line(line);
    }
    if reading.begun == 0 {
        return None;
    }
    // A binary that crashed announced its number of tests, but not all results.
    let all_told = reading.begun == reading.ended && reading.promised == reading.collector.len() as u64;
    // Without `--no-fail-fast`, cargo skips the binaries after the first that fails.
    let gave_up = lines.iter().any(|line| line.starts_with("error: test failed, to rerun pass"));
    let went_on =
        lines.iter().any(|line| line.starts_with("error: ") && line.contains(" failed:") && line.contains(" target"));
    let complete = all_told && (!gave_up || went_on);
    Some(reading.collector.finish(if reading.json { "libtest, JSON" } else { "libtest, text" }, complete))
}

#[derive(Default)]
struct LibtestReader {
    collector: ResultCollector,
    /// The binary whose tests are running, as cargo names it.
    binary: String,
    /// A test whose verdict is on a later line, because the test printed something.
    pending: Option<String>,
    begun: usize,
    ended: usize,
    /// Number of tests that the binaries announced.
    promised: u64,
    /// The test whose output is shown, and that output.
    shown: Option<(String, String)>,
    /// Whether a binary began in JSON, so that text lines come from its tests.
    json: bool,
}

impl LibtestReader {
    fn line(&mut self, line: &str) {
        if let Some(binary) = binary(line) {
            self.close();
            self.binary = binary;
        } else if let Some(told) =
            told(line).filter(|told| self.json || matches!(told, LibtestNews::Began(_)) && self.begun == 0)
        {
            self.told(told);
        } else if self.json {
            // Output of cargo or of a test.
        } else if let Some(count) = line.strip_prefix("running ").and_then(amount_of_tests) {
            self.begun += 1;
            self.promised += count;
        } else if line.starts_with("test result: ") {
            self.close();
            self.ended += 1;
        } else if let Some((name, verdict)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            self.test(name, verdict);
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.close();
            self.shown = Some((self.full_name(name), String::new()));
        } else if line == "failures:" || line == "successes:" {
            self.close();
        } else if let Some((_, output)) = &mut self.shown {
            output.push_str(line);
            output.push('\n');
        } else if let Some(verdict) = verdict(line)
            && let Some(name) = self.pending.take()
        {
            self.collector.add(&name, verdict);
        }
    }

    fn told(&mut self, told: LibtestNews) {
        match told {
            LibtestNews::Began(count) => {
                self.json = true;
                self.begun += 1;
                self.promised += count;
            }
            LibtestNews::Test { name, verdict, stdout } => {
                let name = self.full_name(&name);
                self.collector.add(&name, verdict);
                if verdict == Verdict::Failed {
                    explain(&mut self.collector, &name, &stdout);
                }
            }
            LibtestNews::Ended => self.ended += 1,
        }
    }

    fn test(&mut self, name: &str, said: &str) {
        let name = self.full_name(name);
        match verdict(said) {
            Some(verdict) => drop(self.collector.add(&name, verdict)),
            None => self.pending = Some(name),
        }
    }

    fn full_name(&self, name: &str) -> String {
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        // The line number of a doc test changes with edits above it.
        let (name, mode) = name.rsplit_once(" - ").filter(|(name, _)| name.ends_with(')')).unwrap_or((name, ""));
        let name = name.rsplit_once(" (line ").map_or(name.to_owned(), |(name, _)| name.to_owned());
        let name = if mode.is_empty() { name } else { format!("{name} - {mode}") };
        if self.binary.is_empty() { name } else { format!("{}::{name}", self.binary) }
    }

    /// Ends the output of a failed test.
    fn close(&mut self) {
        let Some((name, output)) = self.shown.take() else { return };
        explain(&mut self.collector, &name, &output);
    }
}

/// Records why and in which file the test `name` failed, by its output.
pub(super) fn explain(collector: &mut ResultCollector, name: &str, output: &str) {
    let before_trace = output.lines().take_while(|line| *line != "stack backtrace:");
    let told: Vec<&str> = before_trace.filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE")).collect();
    collector.explain(name, &told.join("\n"));
    if let Some(file) = told.iter().find_map(|line| panicked_in(line)) {
        collector.locate(name, file);
    }
}

/// `     Running unittests src/lib.rs (target/debug/deps/calc-0123456789abcdef)` and `   Doc-tests calc`.
fn binary(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (doc)"));
    }
    let path = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once(" (")?.1;
    let file = path.rsplit(['/', '\\']).next()?;
    let name = file.strip_suffix(".exe").unwrap_or(file);
    // The hash after the name changes with the compiler.
    Some(name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned())
}

/// `3 tests` of `running 3 tests`.
fn amount_of_tests(rest: &str) -> Option<u64> {
    rest.strip_suffix(" tests").or_else(|| rest.strip_suffix(" test"))?.parse().ok()
}

fn verdict(said: &str) -> Option<Verdict> {
    match said {
        "ok" => Some(Verdict::Passed),
        "FAILED" => Some(Verdict::Failed),
        _ if said == "ignored" || said.starts_with("ignored, ") => Some(Verdict::Skipped),
        // Only under `--report-time`.
        _ => verdict(said.strip_suffix('>')?.rsplit_once(" <")?.0),
    }
}

/// `thread 'core::tests::adds' (123) panicked at src/core.rs:12:9:`
fn panicked_in(line: &str) -> Option<&str> {
    let (_, place) = line.strip_prefix("thread '")?.split_once(" panicked at ")?;
    place.split(':').next().filter(|file| !file.is_empty())
}
