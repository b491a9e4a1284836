//! Reads JavaScript runners that print a tree: node's own, mocha, and jest under `--verbose`; also vitest.

use std::collections::BTreeMap;

use super::collector::ResultCollector;
use super::outline::{SuiteOutline, indent, untimed};
use crate::journal::{TestResults, Verdict};
use crate::testing::counts;

/// Most failures of node that are looked up by title.
const MAX_EXPLAINED: usize = 1_000;

/// Reads node's reporter `spec`.
pub(super) fn node(lines: &[&str]) -> Option<TestResults> {
    let number = |name: &str| {
        let said = lines.iter().find_map(|line| line.strip_prefix("ℹ ")?.strip_prefix(name)?.strip_prefix(' '));
        said.and_then(|said| said.parse::<u64>().ok())
    };
    number("tests")?;
    let has_suites = number("suites").unwrap_or(0) > 0;
    let mut collector = ResultCollector::default();
    let mut outline = SuiteOutline::default();
    // Indentation and name of each parent, and whether a test below it failed.
    let mut parents: Vec<(usize, String, bool)> = Vec::new();
    for line in lines.iter().take_while(|line| !line.starts_with("✖ failing tests:")) {
        let at = indent(line);
        if let Some(name) = line.trim_start().strip_prefix("▶ ") {
            outline.open(at, untimed(name));
            parents.retain(|(depth, ..)| *depth < at);
            parents.push((at, untimed(name).to_owned(), false));
            continue;
        }
        let Some((verdict, title)) = mark(line) else { continue };
        let (title, directive) = title.rsplit_once(" # ").map_or((title, None), |(title, why)| (title, Some(why)));
        let title = untimed(title);
        let verdict = if directive == Some("TODO") { Verdict::Passed } else { verdict };
        let own = parents.iter().rposition(|(depth, name, _)| *depth == at && name == title);
        let failed_below = own.map(|own| parents.split_off(own).iter().any(|(_, _, failed)| *failed));
        if verdict == Verdict::Failed {
            for (_, _, failed) in &mut parents {
                *failed = true;
            }
        }
        // A suite isn't a test, unless it fails by itself.
        if failed_below == Some(true) || (failed_below == Some(false) && has_suites && verdict != Verdict::Failed) {
            outline.close(at);
            continue;
        }
        collector.add(&outline.name(at, title), verdict);
    }
    // A crashed file hides its tests.
    let crashed = explain_node(lines, &mut collector);
    Some(collector.finish("node, spec", !crashed))
}

/// Reads node's final list, which repeats each failure under its place: `test at test/calc.test.js:4:1`. Returns
/// whether one of them is a whole file.
fn explain_node(lines: &[&str], collector: &mut ResultCollector) -> bool {
    let failing = lines.iter().skip_while(|line| !line.starts_with("✖ failing tests:"));
    let mut place = "";
    let mut told: Option<(String, String)> = None;
    let mut crashed = false;
    let mut explained = 0;
    for line in failing.chain([&"test at end"]) {
        if let Some(at) = line.strip_prefix("test at ") {
            explained += 1;
            if let Some((title, text)) = told.take()
                && explained <= MAX_EXPLAINED
                && let Some(name) = collector.failed(&title)
            {
                collector.explain(&name, &text);
                collector.locate(&name, place);
                crashed |= name.ends_with(place);
            }
            place = at.split(':').next().unwrap_or_default();
        } else if let Some((_, text)) = &mut told {
            text.push_str(line);
            text.push('\n');
        } else if let Some((Verdict::Failed, title)) = mark(line) {
            told = Some((untimed(title).to_owned(), String::new()));
        }
    }
    crashed
}

/// `  ✔ small (0.16ms)`, in the symbols of all three runners.
fn mark(line: &str) -> Option<(Verdict, &str)> {
    let text = line.trim_start();
    let marks = [
        ("✔ ", Verdict::Passed),
        ("✓ ", Verdict::Passed),
        ("✖ ", Verdict::Failed),
        ("✕ ", Verdict::Failed),
        ("﹣ ", Verdict::Skipped),
        ("○ skipped ", Verdict::Skipped),
        ("✎ todo ", Verdict::Skipped),
    ];
    marks.iter().find_map(|(mark, verdict)| Some((*verdict, text.strip_prefix(mark)?)))
}

/// Reads mocha's reporter `spec`.
pub(super) fn mocha(lines: &[&str]) -> Option<TestResults> {
    let totals = counts::mocha(lines)?;
    let mut collector = ResultCollector::default();
    let mut outline = SuiteOutline::default();
    let mut failures = BTreeMap::new();
    let summed_up = lines.iter().position(|line| line.contains(" passing (")).unwrap_or(lines.len());
    for line in &lines[..summed_up] {
        let (at, text) = (indent(line), line.trim_start());
        if at < 2 || text.is_empty() {
            continue;
        }
        if let Some((verdict, title)) = mark(line) {
            collector.add(&outline.name(at, untimed(title)), verdict);
        } else if let Some(title) = text.strip_prefix("- ") {
            collector.add(&outline.name(at, title), Verdict::Skipped);
        } else if let Some((number, title)) = numbered(text) {
            let name = outline.name(at, title);
            collector.add(&name, Verdict::Failed);
            failures.insert(number, name);
        } else {
            outline.open(at, text);
        }
    }
    let mut told: Option<(u64, String)> = None;
    for line in lines[summed_up..].iter().chain([&"  0) end"]) {
        if indent(line) == 2
            && let Some((number, _)) = numbered(line.trim_start())
        {
            if let Some((name, text)) = told.take().and_then(|(number, text)| Some((failures.get(&number)?, text))) {
                // The titles come first, then an empty line or the error.
                let text = text.split_once(":\n").map_or(text.as_str(), |(_, text)| text);
                collector.explain(name, text);
            }
            told = Some((number, String::new()));
        } else if let Some((_, text)) = &mut told {
            text.push_str(line);
            text.push('\n');
        }
        if let Some((number, text)) = &mut told
            && text.is_empty()
            && line.ends_with(':')
            && *number > 0
        {
            text.push_str(":\n");
        }
    }
    let complete = collector.counts() == totals;
    Some(collector.finish("mocha, text", complete))
}

/// `2) big`
fn numbered(text: &str) -> Option<(u64, &str)> {
    let (number, title) = text.split_once(") ")?;
    Some((number.parse().ok()?, title))
}

/// Reads jest: with `--verbose` or for a single file it prints all tests, else the failed ones.
pub(super) fn jest(lines: &[&str]) -> Option<TestResults> {
    lines.iter().find(|line| line.starts_with("Test Suites: "))?;
    let mut collector = ResultCollector::default();
    let mut outline = SuiteOutline::default();
    let mut file = None;
    let mut in_tree = false;
    let mut told: Option<(String, String)> = None;
    for line in lines {
        let header = line.strip_prefix("PASS ").or_else(|| line.strip_prefix("FAIL "));
        let failure = line.strip_prefix("  ● ");
        if header.is_some() || failure.is_some() || line.starts_with("Test Suites: ") {
            explain_jest(&mut collector, told.take());
        }
        if let Some(path) = header {
            let path = untimed(path).trim_start_matches("./");
            (outline, in_tree, file) = (SuiteOutline::default(), true, Some(path.to_owned()));
            outline.open(0, path);
        } else if let (Some(title), Some(file)) = (failure, &file) {
            in_tree = false;
            let titles = title.split(" › ").filter(|title| *title != "Test suite failed to run");
            told = Some(([file.as_str()].into_iter().chain(titles).collect::<Vec<_>>().join(" > "), String::new()));
        } else if let Some((_, text)) = &mut told {
            text.push_str(line);
            text.push('\n');
        } else if line.is_empty() {
            in_tree = false;
        } else if in_tree && let Some((verdict, title)) = mark(line) {
            let name = outline.name(indent(line), untimed(title));
            collector.add(&name, verdict);
            collector.locate(&name, file.as_deref().unwrap_or_default());
        } else if in_tree {
            outline.open(indent(line), line.trim_start());
        }
    }
    let complete = counts::jest_or_vitest(lines).is_some_and(|totals| totals == collector.counts());
    Some(collector.finish("jest, text", complete))
}

fn explain_jest(collector: &mut ResultCollector, told: Option<(String, String)>) {
    let Some((name, text)) = told else { return };
    collector.amend(&name, Verdict::Failed);
    collector.explain(&name, &text);
    collector.locate(&name, name.split(" > ").next().unwrap_or_default());
}

/// Reads vitest: with `--reporter=verbose` it prints all tests, else the failed ones, always with full names.
pub(super) fn vitest(lines: &[&str]) -> Option<TestResults> {
    lines.iter().find(|line| line.trim_start().starts_with("Test Files  "))?;
    let mut collector = ResultCollector::default();
    let mut told: Option<(String, String)> = None;
    for line in lines {
        let text = line.trim_start();
        let failure = text.strip_prefix("FAIL  ").filter(|name| name.contains(" > "));
        if failure.is_some() || text.starts_with("⎯⎯⎯") || text.starts_with("Test Files  ") {
            explain_jest(&mut collector, told.take());
        }
        if let Some(name) = failure {
            told = Some((name.to_owned(), String::new()));
        } else if let Some((_, text)) = &mut told {
            text.push_str(line);
            text.push('\n');
        } else {
            let marks =
                [("✓ ", Verdict::Passed), ("× ", Verdict::Failed), ("↓ ", Verdict::Skipped), ("□ ", Verdict::Skipped)];
            let found = marks.iter().find_map(|(mark, verdict)| Some((text.strip_prefix(mark)?, *verdict)));
            if let Some((name, verdict)) = found.filter(|(name, _)| name.contains(" > ")) {
                let name = untimed(name);
                collector.amend(name, verdict);
                collector.locate(name, name.split(" > ").next().unwrap_or_default());
            }
        }
    }
    // The tests of a file that can't be loaded, or whose process died, are unknown.
    let gaps = lines.iter().any(|line| line.contains("Failed Suites ") || line.contains("Unhandled Errors"));
    let complete = !gaps && counts::jest_or_vitest(lines).is_some_and(|totals| totals == collector.counts());
    Some(collector.finish("vitest, text", complete))
}
