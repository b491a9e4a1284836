//! Numbers of tests, from the runner's own summary.
//!
//! Reads only totals, never the text of a test. A line counts only if it has the exact format of a runner's summary.
//! Several runners in one output add up. Recorded outputs are in `fixtures/test-output`.

use super::none_ran::none_ran;
use crate::journal::TestCounts;

/// Returns the totals in `output`; `None` if it has no summary of a known runner.
#[must_use]
pub fn counts(output: &str) -> Option<TestCounts> {
    let plain = console::strip_ansi_codes(output);
    let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
    let rust = nextest(&lines).or_else(|| libtest(&lines));
    let all = [rust, pytest(&lines), unittest(&lines), go(&lines), jest_or_vitest(&lines), mocha(&lines)];
    let all = all.into_iter().chain([node(&lines), surefire(&lines), gradle(&lines), deno(&lines)]);
    all.chain([none_ran(&lines)]).flatten().reduce(sum)
}

fn sum(one: TestCounts, other: TestCounts) -> TestCounts {
    TestCounts {
        passed: one.passed.saturating_add(other.passed),
        failed: one.failed.saturating_add(other.failed),
        skipped: one.skipped.saturating_add(other.skipped),
    }
}

/// Deno: `ok | 2 passed | 1 failed (12ms)`.
fn deno(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let (verdict, rest) = line.split_once(" | ")?;
        let amounts = amounts(rest.split_once(" (").map_or(rest, |(counts, _)| counts), "|")?;
        ["ok", "FAILED"].contains(&verdict).then(|| TestCounts {
            passed: of(&amounts, &["passed"]),
            failed: of(&amounts, &["failed"]),
            skipped: of(&amounts, &["ignored"]),
        })
    })
}

/// Adds up the lines that `read` understands.
fn total(lines: &[&str], read: impl Fn(&str) -> Option<TestCounts>) -> Option<TestCounts> {
    lines.iter().filter_map(|line| read(line)).reduce(sum)
}

/// Parses `3 passed, 1 failed` into numbers and words; `None` if any part has another format.
fn amounts<'a>(text: &'a str, separator: &str) -> Option<Vec<(u64, &'a str)>> {
    let amount = |part: &'a str| {
        let (number, word) = part.trim().split_once(' ')?;
        Some((number.parse().ok()?, word.trim()))
    };
    text.split(separator).map(amount).collect()
}

/// Adds up the amounts whose word is in `words`.
fn of(amounts: &[(u64, &str)], words: &[&str]) -> u64 {
    amounts.iter().filter(|(_, word)| words.contains(word)).map(|(number, _)| number).sum()
}

/// One line a binary:
/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn libtest(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let amounts = amounts(rest.split_once("; finished in").map_or(rest, |(counts, _)| counts), ";")?;
        Some(TestCounts {
            passed: of(&amounts, &["passed"]),
            failed: of(&amounts, &["failed"]),
            skipped: of(&amounts, &["ignored"]),
        })
    })
}

/// `     Summary [   0.082s] 3 tests run: 2 passed (1 slow), 1 failed, 1 skipped`. Nextest repeats libtest's lines of
/// failed tests, so that libtest's summaries aren't counted as well.
pub(super) fn nextest(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let (_, rest) = line.trim_start().strip_prefix("Summary [")?.split_once(']')?;
        let (_, rest) = rest.split_once(" run: ")?;
        let bare: Vec<&str> = rest.split(", ").map(|part| part.split(" (").next().unwrap_or(part)).collect();
        let bare = bare.join(",");
        let amounts = amounts(&bare, ",")?;
        Some(TestCounts {
            passed: of(&amounts, &["passed"]),
            failed: of(&amounts, &["failed", "timed out", "exec failed"]),
            skipped: of(&amounts, &["skipped"]),
        })
    })
}

/// `=== 1 failed, 2 passed, 1 xfailed in 0.12s ===`; without the `=` under `-q`.
pub(super) fn pytest(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let (rest, took) = line.trim_matches('=').trim().rsplit_once(" in ")?;
        let seconds = took.split(' ').next()?.strip_suffix('s')?;
        seconds.parse::<f64>().ok()?;
        if rest == "no tests ran" {
            return Some(TestCounts::default());
        }
        let amounts = amounts(rest, ",")?;
        let known = ["passed", "failed", "error", "errors", "skipped", "xfailed", "xpassed", "deselected"];
        let is_known = |word: &str| known.contains(&word) || word.contains("warning") || word.contains("rerun");
        amounts.iter().all(|(_, word)| is_known(word)).then(|| TestCounts {
            passed: of(&amounts, &["passed", "xpassed", "xfailed"]),
            failed: of(&amounts, &["failed", "error", "errors"]),
            skipped: of(&amounts, &["skipped"]),
        })
    })
}

/// `Ran 6 tests in 0.001s`, and two lines later `FAILED (failures=1, skipped=1)`.
fn unittest(lines: &[&str]) -> Option<TestCounts> {
    let read = |(at, line): (usize, &&str)| {
        let (ran, took) = line.strip_prefix("Ran ")?.split_once(" in ")?;
        took.strip_suffix('s')?.parse::<f64>().ok()?;
        let ran: u64 = ran.strip_suffix(" tests").or_else(|| ran.strip_suffix(" test"))?.parse().ok()?;
        let verdict = lines[at + 1..].iter().find(|line| !line.is_empty())?;
        let details = verdict.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_default();
        let detail = |names: &[&str]| -> u64 {
            let pairs = details.split(", ").filter_map(|pair| pair.split_once('='));
            pairs.filter(|(name, _)| names.contains(name)).filter_map(|(_, count)| count.parse::<u64>().ok()).sum()
        };
        let failed = detail(&["failures", "errors", "unexpected successes"]);
        let skipped = detail(&["skipped"]);
        // An error outside a test (in `setUpClass`) is counted as an error, but not as a test that ran.
        Some(TestCounts { passed: ran.saturating_sub(failed + skipped), failed, skipped })
    };
    lines.iter().enumerate().filter_map(read).reduce(sum)
}

/// With `-v` every test has a line; without, go says only which packages passed, and each counts as one.
fn go(lines: &[&str]) -> Option<TestCounts> {
    let count = |prefix: &str| lines.iter().filter(|line| line.starts_with(prefix)).count() as u64;
    let is_package = |line: &&&str| line.starts_with("ok  \t") || line.starts_with("FAIL\t");
    lines.iter().find(is_package)?;
    let (passed, skipped) = (count("--- PASS: "), count("--- SKIP: "));
    if passed + skipped > 0 || lines.iter().any(|line| line.starts_with("=== RUN ")) {
        return Some(TestCounts { passed, failed: count("--- FAIL: "), skipped });
    }
    let empty = lines.iter().filter(|line| line.starts_with("ok  \t") && line.ends_with("[no tests to run]")).count();
    let passed = count("ok  \t").saturating_sub(empty as u64);
    Some(TestCounts { passed, failed: count("FAIL\t"), skipped: 0 })
}

/// `Tests:       1 failed, 1 skipped, 1 todo, 2 passed, 5 total` (jest) and
/// `      Tests  1 failed | 2 passed | 1 skipped (4)` (vitest).
pub(super) fn jest_or_vitest(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let amounts = match line.strip_prefix("Tests: ") {
            Some(jest) => amounts(jest, ",").filter(|amounts| amounts.iter().any(|(_, word)| *word == "total"))?,
            None => amounts(line.trim_start().strip_prefix("Tests  ")?.rsplit_once(" (")?.0, "|")?,
        };
        Some(TestCounts {
            passed: of(&amounts, &["passed"]),
            failed: of(&amounts, &["failed"]),
            skipped: of(&amounts, &["skipped", "pending", "todo"]),
        })
    })
}

/// `  2 passing (5ms)`, then perhaps `  1 pending` and `  1 failing`.
pub(super) fn mocha(lines: &[&str]) -> Option<TestCounts> {
    let amount = |line: &str, word: &str| line.trim_start().strip_suffix(word)?.trim_end().parse::<u64>().ok();
    let read = |(at, line): (usize, &&str)| {
        let (passing, took) = line.split_once(" (")?;
        took.strip_suffix(')')?;
        let passed = amount(passing, "passing")?;
        let rest: Vec<&str> = lines[at + 1..].iter().take_while(|line| !line.is_empty()).copied().collect();
        let tally = |word| rest.iter().filter_map(|line| amount(line, word)).sum();
        Some(TestCounts { passed, failed: tally("failing"), skipped: tally("pending") })
    };
    lines.iter().enumerate().filter_map(read).reduce(sum)
}

/// node's own runner, `# pass 2` in TAP and `ℹ pass 2` in its spec form, one line a number.
fn node(lines: &[&str]) -> Option<TestCounts> {
    let value = |name: &str| -> Option<u64> {
        let values = lines.iter().filter_map(|line| {
            let line = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
            line.strip_prefix(name)?.strip_prefix(' ')?.parse::<u64>().ok()
        });
        values.reduce(u64::saturating_add)
    };
    value("tests")?;
    Some(TestCounts {
        passed: value("pass")?,
        failed: value("fail")? + value("cancelled").unwrap_or(0),
        skipped: value("skipped").unwrap_or(0) + value("todo").unwrap_or(0),
    })
}

/// `[ERROR] Tests run: 5, Failures: 1, Errors: 1, Skipped: 1`, one a module; lines of single classes
/// end with the time that they took.
fn surefire(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let line = line.split_once("] ").filter(|(level, _)| level.starts_with('[')).map_or(line, |(_, rest)| rest);
        let mut values = [0; 4];
        let parts: Vec<&str> = line.split(", ").collect();
        let names = ["Tests run: ", "Failures: ", "Errors: ", "Skipped: "];
        if parts.len() != names.len() {
            return None;
        }
        for (value, (part, name)) in values.iter_mut().zip(parts.iter().zip(names)) {
            *value = part.strip_prefix(name)?.parse().ok()?;
        }
        let [ran, failures, errors, skipped]: [u64; 4] = values;
        Some(TestCounts { passed: ran.saturating_sub(failures + errors + skipped), failed: failures + errors, skipped })
    })
}

/// `5 tests completed, 2 failed, 1 skipped`; gradle says nothing when all pass.
fn gradle(lines: &[&str]) -> Option<TestCounts> {
    total(lines, |line| {
        let amounts = amounts(line, ",")?;
        let ran = amounts.iter().find(|(_, word)| ["tests completed", "test completed"].contains(word))?.0;
        let (failed, skipped) = (of(&amounts, &["failed"]), of(&amounts, &["skipped"]));
        Some(TestCounts { passed: ran.saturating_sub(failed + skipped), failed, skipped })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn recorded_outputs_are_read_as_expected() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/test-output");
        let mut seen = 0;
        for entry in fs::read_dir(cases).expect("the fixtures").flatten().filter(|entry| entry.path().is_dir()) {
            let case = entry.path();
            let output = fs::read_to_string(case.join("output")).expect("an output");
            let expected = fs::read_to_string(case.join("expected.json")).expect("expected counts");
            let expected: Option<TestCounts> = serde_json::from_str(&expected).expect("JSON");
            assert_eq!(counts(&output), expected, "{}", case.display());
            seen += 1;
        }
        assert!(seen >= 30, "only {seen} outputs were found");
    }

    #[test]
    fn line_endings_and_absurd_numbers_do_no_harm() {
        let output = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\r\n";
        assert_eq!(counts(output), Some(TestCounts { passed: 2, failed: 0, skipped: 0 }));
        let most = u64::MAX;
        let absurd =
            format!("# tests {most}\n# pass {most}\n# pass {most}\n# fail 0\n{most} tests completed, 1 failed\n");
        assert_eq!(counts(&absurd).map(|counts| counts.passed), Some(most));
    }
}
