//! Reads runners that print one line per test without nesting: minitest under `-v`, RSpec's failures, CTest, and
//! `dotnet test`.

use std::sync::LazyLock;

use regex::Regex;

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};
use crate::settings::regex;

/// `2/7 Test #2: big ..............................***Failed    0.00 sec`
static CTEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^\s*\d+/\d+ +Test +#\d+: (.+?) \.*( +Passed|\*{3}.*?) +[0-9.]+ sec$"));
/// `AddTest#test_small = 0.00 s = F`; of a spec, `Calc::adding#test_0001_gives a = b = 0.00 s = .`.
static MINITEST_WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"^(.*#test_.*) = [0-9.]+ s = [.FES]$"));
/// The end of such a line, if the test's own output separates it from its start.
static MINITEST: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"(?:^| )[0-9.]+ s = ([.FES])$"));
/// `  Failed Calc.AddTest.Small [12 ms]`
static DOTNET: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^\s+(Passed|Failed|Skipped) (\S.*?)(?: \[[^\]]* m?s\])?$"));

/// Reads CTest; with `CTEST_OUTPUT_ON_FAILURE` the output of a failed test follows its line.
pub(super) fn ctest(lines: &[&str]) -> Option<TestResults> {
    let pattern = CTEST.as_ref()?;
    let mut collector = ResultCollector::default();
    let mut failed: Option<(String, String)> = None;
    for line in lines {
        let found = pattern.captures(line);
        if (found.is_some() || line.trim_start().starts_with("Start "))
            && let Some((name, text)) = failed.take()
        {
            collector.explain(&name, &text);
        }
        if let Some(found) = found {
            let verdict = match found[2].trim().trim_start_matches('*') {
                "Passed" => Verdict::Passed,
                "Skipped" | "Not Run (Disabled)" => Verdict::Skipped,
                _ => Verdict::Failed,
            };
            collector.add(&found[1], verdict);
            failed = (verdict == Verdict::Failed).then(|| (found[1].to_owned(), String::new()));
        } else if line.contains("% tests passed, ") {
            failed = None;
        } else if let Some((_, text)) = &mut failed {
            text.push_str(line);
            text.push('\n');
        }
    }
    let summed_up = lines.iter().any(|line| line.contains("% tests passed, ") || *line == "No tests were found!!!");
    (summed_up || collector.len() > 0).then(|| collector.finish("CTest, text", summed_up))
}

/// Reads minitest under `-v`; without it, only failures have names.
pub(super) fn minitest(lines: &[&str]) -> Option<TestResults> {
    let (pattern, whole) = (MINITEST.as_ref()?, MINITEST_WHOLE.as_ref()?);
    let ran = lines.iter().find_map(|line| {
        let (runs, rest) = line.split_once(" runs, ")?;
        rest.contains(" assertions, ").then(|| runs.parse::<usize>().ok()).flatten()
    });
    if ran.is_none() && !lines.contains(&"# Running:") {
        return None;
    }
    let mut collector = ResultCollector::default();
    let mut begun = None;
    for line in lines {
        if let Some(at) = line.find("#test_") {
            let end = line[at..].find(" = ").map(|end| &line[..at + end]);
            begun = whole.captures(line).map(|found| found[1].to_owned()).or_else(|| end.map(str::to_owned)).or(begun);
        }
        let Some(found) = pattern.captures(line) else { continue };
        let verdict = match &found[1] {
            "." => Verdict::Passed,
            "S" => Verdict::Skipped,
            _ => Verdict::Failed,
        };
        if let Some(name) = begun.take() {
            collector.add(&name, verdict);
        }
    }
    minitest_failures(lines, &mut collector);
    let complete = ran == Some(collector.len());
    Some(collector.finish("minitest, text", complete))
}

/// `  1) Failure:`, then `AddTest#test_small [test/add_test.rb:6]:` and the message.
fn minitest_failures(lines: &[&str], collector: &mut ResultCollector) {
    let is_failure = |line: &str| {
        let title = line.trim_start().split_once(") ").filter(|(number, _)| number.parse::<u64>().is_ok());
        title.is_some_and(|(_, kind)| kind == "Failure:" || kind == "Error:")
    };
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| is_failure(line)) {
        let Some(title) = lines.get(at + 1) else { continue };
        let name = title.rsplit_once(" [").map_or(title.trim_end_matches(':'), |(name, _)| name);
        let text: Vec<&str> = lines[at + 2..].iter().take_while(|line| !line.is_empty()).copied().collect();
        collector.amend(name, Verdict::Failed);
        collector.explain(name, &text.join("\n"));
        if let Some((file, _)) = title.rsplit_once(" [").and_then(|(_, place)| place.split_once(':')) {
            collector.locate(name, file);
        }
    }
}

/// Reads the failures at the end of RSpec's output, if it couldn't be told to write JSON.
pub(super) fn rspec(lines: &[&str]) -> Option<TestResults> {
    lines.iter().find(|line| line.contains(" examples, ") && line.contains(" failure"))?;
    let mut collector = ResultCollector::default();
    for line in lines {
        let Some((place, name)) = line.strip_prefix("rspec ").and_then(|rest| rest.split_once(" # ")) else { continue };
        let file = place.trim_start_matches("./").split([':', '[']).next().unwrap_or_default();
        let name = format!("{file} > {name}");
        collector.add(&name, Verdict::Failed);
        collector.locate(&name, file);
    }
    Some(collector.finish("RSpec, text", false))
}

/// Reads `dotnet test`, which always prints failures, and other tests only if told to.
pub(super) fn dotnet(lines: &[&str]) -> Option<TestResults> {
    let total = |line: &&str| line.trim().strip_prefix("Total tests: ")?.parse::<usize>().ok();
    let in_short = |line: &&str| {
        let (_, total) = line.split_once("Total:").filter(|_| line.contains("! ") && line.contains("Failed:"))?;
        total.split(',').next()?.trim().parse::<usize>().ok()
    };
    let totals: Vec<usize> = lines.iter().filter_map(|line| total(line).or_else(|| in_short(line))).collect();
    let pattern = DOTNET.as_ref().filter(|_| !totals.is_empty())?;
    let mut collector = ResultCollector::default();
    let mut failed: Option<(String, String)> = None;
    for line in lines {
        let found = pattern.captures(line);
        if (found.is_some() || line.is_empty())
            && let Some((name, text)) = failed.take()
        {
            collector.explain(&name, &text);
        }
        if let Some(found) = found {
            let verdict = match &found[1] {
                "Passed" => Verdict::Passed,
                "Skipped" => Verdict::Skipped,
                _ => Verdict::Failed,
            };
            collector.add(&found[2], verdict);
            failed = (verdict == Verdict::Failed).then(|| (found[2].to_owned(), String::new()));
        } else if let Some((_, text)) = &mut failed {
            text.push_str(line);
            text.push('\n');
        }
    }
    let complete = totals.iter().sum::<usize>() == collector.len();
    Some(collector.finish("dotnet test, text", complete))
}
