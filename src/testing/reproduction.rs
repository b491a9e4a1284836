//! Whether a test demonstrates the fix: it fails without the patch and passes with it.
//!
//! Shown by a test that failed on the start state and passes now ([`shown_by_matrix`]), or by a trial of the start
//! state with only the patch's tests ([`shown_by_trial`]).

use std::collections::BTreeSet;

use super::matrix::compare;
use crate::journal::{Matrix, Reproduction, TestResults, Verdict};

/// Results that a trial of the start state with only the patch's tests is compared with.
#[derive(Clone, Copy, Debug)]
pub struct WithPatch<'a> {
    /// Runs with the whole patch.
    pub runs: &'a [TestResults],
    /// Comparison of the whole patch with the start state.
    pub matrix: &'a Matrix,
    /// Tests that failed in the model's own runs.
    pub seen_failing: &'a BTreeSet<String>,
}

/// Decides without a trial, by tests that failed and pass now. `None` if only a trial can tell.
///
/// With `tests_edited`, these tests may differ from those that failed; `adds_tests` says that there are tests for a
/// trial.
#[must_use]
pub fn shown_by_matrix(matrix: Option<&Matrix>, tests_edited: bool, adds_tests: bool) -> Option<Reproduction> {
    let Some(matrix) = matrix else {
        return Some(Reproduction::not_checked("single tests could not be compared with the start state"));
    };
    if !matrix.fixed.is_empty() && !tests_edited {
        return Some(Reproduction::by(matrix.fixed.clone(), "failed on the start state, and passes with the patch"));
    }
    let nothing = "no test failed on the start state that passes with the patch, and the patch has no tests of its own";
    (!adds_tests).then(|| Reproduction::no(nothing))
}

/// Decides by `trial`, the runs on the start state with only the patch's tests.
#[must_use]
pub fn shown_by_trial(trial: &[TestResults], with: WithPatch<'_>) -> Reproduction {
    let compared = compare(trial, with.runs);
    let fixed = compared.as_ref().map(|matrix| matrix.fixed.clone()).unwrap_or_default();
    let steady: Vec<String> = fixed.into_iter().filter(|test| !with.matrix.flaky.contains(test)).collect();
    if !steady.is_empty() {
        return Reproduction::by(steady, "fails on the start state with the patch's tests, and passes with the patch");
    }
    let passed_without = |test: &&String| {
        trial.iter().any(|run| run.tests.get(test.as_str()).is_some_and(|case| case.verdict == Verdict::Passed))
    };
    let new = &with.matrix.new;
    if new.iter().any(|test| passed_without(&test)) || compared.is_some() && new.is_empty() {
        return Reproduction::no("the patch's tests pass without the fix, too");
    }
    let seen: Vec<String> = new.iter().filter(|test| with.seen_failing.contains(*test)).cloned().collect();
    if seen.is_empty() {
        return Reproduction::no("without the fix the patch's tests can't be built or run");
    }
    Reproduction::by(seen, "can't be built or run without the fix, but failed in the model's own run before it passed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Reproduced, TestCase};
    use std::sync::Arc;

    /// Parses `a+ b-`: passed, failed; a dot at the end means that the runner didn't finish.
    fn run(line: &str) -> TestResults {
        let case = |word: &str| {
            let (name, sign) = word.split_at(word.len() - 1);
            let verdict = if sign == "+" { Verdict::Passed } else { Verdict::Failed };
            (name.into(), TestCase { verdict, message: None, file: None })
        };
        let words = line.trim_end_matches('.');
        TestResults {
            source: String::new(),
            tests: Arc::new(words.split_whitespace().map(case).collect()),
            complete: !line.ends_with('.'),
        }
    }

    fn tried(start: &str, trial: &[&str], patched: &str, seen: &[&str]) -> (Reproduced, Vec<String>) {
        let (before, after) = ([run(start)], [run(patched)]);
        let matrix = compare(&before, &after).expect("both ran");
        let seen_failing = seen.iter().map(|name| (*name).to_owned()).collect();
        let trial: Vec<_> = trial.iter().map(|line| run(line)).collect();
        let told = shown_by_trial(&trial, WithPatch { runs: &after, matrix: &matrix, seen_failing: &seen_failing });
        (told.state, told.by)
    }

    #[test]
    fn a_new_test_has_to_fail_without_the_fix() {
        let yes = |tests: &[&str]| (Reproduced::Yes, tests.iter().map(|test| (*test).to_owned()).collect::<Vec<_>>());
        let no = (Reproduced::No, vec![]);
        for (start, trial, patched, seen, expected) in [
            ("a+", &["a+ b-", "a+ b-"][..], "a+ b+", &[][..], yes(&["b"])),
            ("a+", &["a+ b+"], "a+ b+", &["b"], no.clone()),
            ("a+", &["a+ b-", "a+ b+"], "a+ b+", &[], no.clone()),
            ("a+", &["a-"], "a+", &[], yes(&["a"])),
            ("a+", &["."], "a+ b+", &[], no.clone()),
            ("a+", &["."], "a+ b+", &["b"], yes(&["b"])),
            ("a+", &["."], "a+ b+", &["a"], no.clone()),
            ("a+", &["a+"], "a+ b+", &[], no.clone()),
            ("a+", &["a+"], "a+", &["a"], no.clone()),
        ] {
            assert_eq!(tried(start, trial, patched, seen), expected, "{start} {trial:?} {patched} {seen:?}");
        }
    }

    #[test]
    fn a_test_that_failed_at_the_start_shows_it_unless_it_was_edited() {
        let state = |start: &str, edited: bool, adds: bool| {
            let matrix = compare(&[run(start)], &[run("a+")]);
            shown_by_matrix(matrix.as_ref(), edited, adds).map(|told| told.state)
        };
        assert_eq!(state("a-", false, false), Some(Reproduced::Yes));
        assert_eq!(state("a-", true, true), None);
        assert_eq!(state("a+", false, true), None);
        assert_eq!(state("a+", false, false), Some(Reproduced::No));
        assert_eq!(state(".", false, true), Some(Reproduced::NotChecked));
    }
}
