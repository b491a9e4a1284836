//! Describes failed tests to the model: first those that passed before its change, each with the runner's message.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::journal::{Matrix, TestResults, Verdict};

/// Bytes of a single failure message.
const MESSAGE: usize = 1_500;
/// Bytes of all failure messages together.
const ALL: usize = 6_000;
/// Number of failures that are named.
const NAMES: usize = 40;

/// Lists the failures in `results`; empty if there are none. With a `matrix` they are grouped by how they went before.
#[must_use]
pub fn failures(results: &TestResults, matrix: Option<&Matrix>) -> String {
    let failed: Vec<&str> =
        results.tests.iter().filter(|(_, case)| case.verdict == Verdict::Failed).map(|(name, _)| &**name).collect();
    let mut told = Telling { results, out: String::new(), left: ALL, named: 0, of: failed.len() };
    let Some(matrix) = matrix else {
        told.section("Failing tests:", &failed);
        return told.end();
    };
    let among = |list: &[String]| {
        let list: HashSet<&str> = list.iter().map(String::as_str).collect();
        failed.iter().filter(|name| list.contains(**name)).copied().collect::<Vec<_>>()
    };
    told.section("Passed before your change, fail now:", &among(&matrix.broken));
    told.section("New, and failing:", &among(&matrix.new_failing));
    told.section("Failed before your change, still fail:", &among(&matrix.still_failing));
    told.section("Fail and pass by turns on the same code (flaky):", &among(&matrix.flaky));
    told.end()
}

struct Telling<'a> {
    results: &'a TestResults,
    out: String,
    /// Bytes left for further messages.
    left: usize,
    named: usize,
    of: usize,
}

impl Telling<'_> {
    fn section(&mut self, title: &str, names: &[&str]) {
        if names.is_empty() || self.named >= NAMES {
            return;
        }
        self.out.push_str(title);
        self.out.push('\n');
        for name in names.iter().take(NAMES - self.named) {
            self.one(name);
        }
        self.out.push('\n');
    }

    fn one(&mut self, name: &str) {
        self.named += 1;
        let case = &self.results.tests[name];
        let file = case.file.as_ref().map_or_else(String::new, |file| format!(" ({file})"));
        // Writing to a String can't fail.
        let _ = writeln!(self.out, "- {name}{file}");
        let Some(message) = &case.message else { return };
        let message = cut(message.trim(), MESSAGE.min(self.left));
        self.left -= message.len();
        for line in message.lines() {
            let _ = writeln!(self.out, "    {line}");
        }
    }

    fn end(mut self) -> String {
        if self.of > self.named {
            let _ = writeln!(self.out, "and {} more", self.of - self.named);
        }
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// Returns at most `bytes` bytes of `text`, up to the end of a line if there is one.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let head = &text[..text.floor_char_boundary(bytes)];
    head.rfind('\n').map_or(head, |end| &head[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::TestCase;
    use std::sync::Arc;

    fn failing(names: &[&str], message: &str) -> TestResults {
        let case = TestCase { verdict: Verdict::Failed, message: Some(message.into()), file: Some("t.py".into()) };
        let tests = names.iter().map(|name| ((*name).into(), case.clone())).collect();
        TestResults { source: String::new(), tests: Arc::new(tests), complete: true }
    }

    #[test]
    fn what_the_change_broke_comes_first() {
        let results = failing(&["a", "b", "c"], "assert 1 == 2\n  left: 1");
        let matrix =
            Matrix { broken: vec!["c".into()], still_failing: vec!["a".into(), "b".into()], ..Matrix::default() };
        insta::assert_snapshot!(failures(&results, Some(&matrix)), @r"
        Passed before your change, fail now:
        - c (t.py)
            assert 1 == 2
              left: 1

        Failed before your change, still fail:
        - a (t.py)
            assert 1 == 2
              left: 1
        - b (t.py)
            assert 1 == 2
              left: 1
        ");
    }

    #[test]
    fn thousands_of_failures_stay_within_bounds() {
        let names: Vec<String> = (0..5_000).map(|n| format!("test_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let told = failures(&failing(&names, &"é".repeat(4_000)), None);
        assert!(told.len() < ALL + NAMES * 100, "{}", told.len());
        assert!(told.ends_with("and 4960 more"), "{told}");
    }

    #[test]
    fn nothing_fails_nothing_is_said() {
        assert_eq!(failures(&failing(&[], ""), None), "");
    }
}
