//! Reads pytest's output if it couldn't be told to write a report: under `-v` one line per test, else only failures.

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};
use crate::testing::counts;

/// Returns the results in `lines`; `None` if none comes from pytest.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let totals = counts::pytest(lines);
    let mut collector = ResultCollector::default();
    let mut told = 0;
    for line in lines {
        if let Some((node, verdict)) = test(line) {
            told += 1;
            collector.amend(&name(node), verdict);
            collector.locate(&name(node), file(node));
        } else if let Some((node, message)) = failure(line) {
            collector.amend(&name(node), Verdict::Failed);
            collector.locate(&name(node), file(node));
            collector.explain(&name(node), message);
        }
    }
    // An error after a passed test is counted as well.
    let complete = totals.is_some_and(|totals| totals.passed + totals.failed + totals.skipped == told);
    (totals.is_some() || told > 0).then(|| collector.finish("pytest, text", complete))
}

/// `tests/test_core.py::TestAdd::test_small PASSED                 [ 16%]`
fn test(line: &str) -> Option<(&str, Verdict)> {
    let line = line.strip_suffix("%]").and_then(|line| line.rsplit_once('[')).map_or(line, |(line, _)| line).trim_end();
    // The reason for a skip follows in brackets.
    let (rest, word) = [" PASSED", " FAILED", " ERROR", " SKIPPED", " XFAIL", " XPASS"].iter().find_map(|word| {
        let (node, behind) = line.split_at(line.rfind(word)?);
        let behind = &behind[word.len()..];
        (behind.is_empty() || behind.starts_with(" (")).then_some((node, word.trim_start()))
    })?;
    let verdict = match word {
        "PASSED" | "XFAIL" | "XPASS" => Verdict::Passed,
        "SKIPPED" => Verdict::Skipped,
        _ => Verdict::Failed,
    };
    rest.contains(".py::").then_some((rest, verdict))
}

/// `FAILED tests/test_core.py::test_big - assert 1 == 2`, and `ERROR tests/test_core.py` of one that can't be imported.
fn failure(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
    let (node, message) = rest.split_once(" - ").unwrap_or((rest, ""));
    (node.contains(".py::") || (node.strip_suffix(".py").is_some_and(|path| !path.contains(' '))))
        .then_some((node, message))
}

fn file(node: &str) -> &str {
    node.split_once("::").map_or(node, |(file, _)| file)
}

/// As in pytest's report: `tests.test_core.TestAdd::test_small`.
fn name(node: &str) -> String {
    let (file, rest) = node.split_once("::").unwrap_or((node, ""));
    let module = file.strip_suffix(".py").unwrap_or(file).replace('/', ".");
    // Parameters may hold anything.
    let (path, parameters) = rest.find('[').map_or((rest, ""), |at| rest.split_at(at));
    match path.rsplit_once("::") {
        Some((classes, test)) => format!("{module}.{}::{test}{parameters}", classes.replace("::", ".")),
        None if path.is_empty() => module,
        None => format!("{module}::{path}{parameters}"),
    }
}
