//! Reads ExUnit's output under `--trace`: one line per test, below its module.

use std::sync::LazyLock;

use regex::Regex;

use super::collector::ResultCollector;
use crate::journal::{TestResults, Verdict};
use crate::settings::regex;

/// `CalcTest [test/calc_test.exs]`
static MODULE: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"^([A-Z][\w.]*) \[([^\]]+\.exs)\]$"));
/// `  * test add adds two (2.0ms) [L#6]`; the same line begins with the name alone, which this overwrites.
static TEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^ +\* ((?:test|doctest|property|feature) .*) \(([^()]*)\)(?: \[L#\d+\])?$"));
/// `  1) test add adds two (CalcTest)`
static FAILURE: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^ +\d+\) ((?:test|doctest|property|feature) .*) \(([A-Z][\w.]*)\)$"));
/// `1 doctest, 3 tests, 1 failure, 1 skipped`
static SUMMARY: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"^(?:\d+ \w+, )*\d+ tests?, (?:\d+ \w+, )*\d+ failures?\b"));

/// Reads the results; without `--trace` only failures have names.
pub(super) fn read(lines: &[&str]) -> Option<TestResults> {
    let (module, test, failure, summary) = (MODULE.as_ref()?, TEST.as_ref()?, FAILURE.as_ref()?, SUMMARY.as_ref()?);
    let summed_up = lines.iter().any(|line| summary.is_match(line));
    let mut collector = ResultCollector::default();
    let mut within: Option<(String, String)> = None;
    for line in lines {
        // The line is overwritten when the test ends.
        let line = line.rsplit('\r').next().unwrap_or_default();
        if let Some(found) = module.captures(line) {
            within = Some((found[1].to_owned(), found[2].to_owned()));
        }
        let (Some(found), Some((name, file))) = (test.captures(line), &within) else { continue };
        let skipped = ["skipped", "excluded"].contains(&&found[2]);
        let verdict = if skipped { Verdict::Skipped } else { Verdict::Passed };
        let name = format!("{name} {}", &found[1]);
        collector.add(&name, verdict);
        collector.locate(&name, file);
    }
    let traced = collector.len() > 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(found) = failure.captures(line) else { continue };
        let name = format!("{} {}", &found[2], &found[1]);
        let words: Vec<&str> =
            lines[at + 1..].iter().take_while(|line| !line.is_empty()).map(|line| line.trim_start()).collect();
        collector.amend(&name, Verdict::Failed);
        collector.explain(&name, &words.join("\n"));
    }
    (collector.len() > 0 && (summed_up || traced)).then(|| collector.finish("ExUnit, text", summed_up && traced))
}
