//! Reads the output of `cargo nextest run`: a line per test and the output of failed tests, or libtest's JSON.

use super::collector::ResultCollector;
use super::libtest;
use super::libtest_events::{LibtestNews, told as event};
use crate::journal::{TestResults, Verdict};
use crate::testing::counts;

/// Returns the results in `lines`; `None` if none comes from nextest.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    lines.iter().find(|line| line.trim_start().starts_with("Nextest run ID "))?;
    let json = from_events(lines);
    let (collector, source) =
        json.map_or_else(|| (from_text(lines), "nextest, text"), |collector| (collector, "nextest, JSON"));
    let all_ran = !lines.iter().any(|line| line.starts_with("warning: ") && line.contains(" tests were not run "));
    let skipped = collector.counts().skipped;
    // Skipped tests are listed only on request.
    let agrees = counts::nextest(lines).is_some_and(|said| {
        let ours = collector.counts();
        (said.passed, said.failed) == (ours.passed, ours.failed) && (skipped == 0 || said.skipped == skipped)
    });
    Some(collector.finish(source, agrees && all_ran))
}

/// Reads the JSON events; `None` if there are none.
fn from_events(lines: &[&str]) -> Option<ResultCollector> {
    let mut collector = ResultCollector::default();
    for told in lines.iter().filter_map(|line| event(line)) {
        let LibtestNews::Test { name, verdict, stdout } = told else { continue };
        collector.amend(&name, verdict);
        if verdict == Verdict::Failed {
            libtest::explain(&mut collector, &name, &stdout);
        }
    }
    (collector.len() > 0).then_some(collector)
}

fn from_text(lines: &[&str]) -> ResultCollector {
    let mut collector = ResultCollector::default();
    let mut failed: Option<(String, String)> = None;
    for line in lines {
        let summed_up = line.trim_start().starts_with("Summary [");
        let test = test(line);
        if (test.is_some() || summed_up)
            && let Some((name, output)) = failed.take()
        {
            collector.explain(&name, &told(&name, &output));
        }
        if summed_up {
            // Failed tests are listed again.
            break;
        }
        match (test, &mut failed) {
            (Some((name, verdict)), _) => {
                collector.amend(&name, verdict);
                failed = (verdict == Verdict::Failed).then(|| (name, String::new()));
            }
            (None, Some((_, output))) => {
                output.push_str(line.strip_prefix("    ").unwrap_or(line));
                output.push('\n');
            }
            (None, None) => {}
        }
    }
    collector
}

/// `        PASS [   0.004s] (1/2) calc::it adds`: returns the name with its binary, and the verdict.
fn test(line: &str) -> Option<(String, Verdict)> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let (_, rest) = rest.split_once("] ")?;
    let verdict = match status.trim() {
        "PASS" | "LEAK" | "FLAKY" => Verdict::Passed,
        "SKIP" => Verdict::Skipped,
        "FAIL" | "TIMEOUT" | "ABORT" | "XFAIL" => Verdict::Failed,
        signal if signal.starts_with("SIG") => Verdict::Failed,
        retried if retried.starts_with("TRY ") && retried.ends_with("PASS") => Verdict::Passed,
        _ => return None,
    };
    // `(1/2)`, or `(───)` for a skipped test.
    let name = rest.trim_start();
    let name = if name.starts_with('(') { name.split_once(") ")?.1.trim_start() } else { name };
    let (binary, test) = name.split_once(' ')?;
    // Named like libtest's tests, except that integration tests have their crate in front.
    Some((format!("{binary}::{test}"), verdict))
}

/// Removes libtest's frame around the single test that the process ran.
fn told(name: &str, output: &str) -> String {
    let frame =
        ["stdout ───", "stderr ───", "running 1 test", "failures:", "note: run with `RUST_BACKTRACE", "test result: "];
    let is_frame = |line: &str| {
        let line = line.trim();
        name.ends_with(&format!("::{line}"))
            || frame.iter().any(|start| line.starts_with(start))
            || (line.starts_with("test ") && line.ends_with("... FAILED"))
    };
    let is_empty = |line: &str| line.trim().trim_matches('─').is_empty();
    let lines: Vec<&str> = output.lines().filter(|line| !is_empty(line) && !is_frame(line)).collect();
    lines.join("\n")
}
