//! Compares the tests before the patch with those after it.
//!
//! Each side may have several runs on the same tree: a test whose results differ among them is flaky, and never counts
//! as fixed or broken.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::verdicts::Verdicts;
use crate::journal::{Matrix, TestResults, Verdict};

/// Compares the runs on the start state with those on the patched one. `None` if a side has no complete run with tests.
#[must_use]
pub fn compare(before: &[TestResults], after: &[TestResults]) -> Option<Matrix> {
    let (before, after) = (Verdicts::of(before)?, Verdicts::of(after)?);
    let mut matrix =
        Matrix { flaky: before.flaky.union(&after.flaky).map(ToString::to_string).collect(), ..Matrix::default() };
    let names: BTreeSet<&Arc<str>> = before.tests.keys().chain(after.tests.keys()).collect();
    for name in names.into_iter().filter(|name| !before.flaky.contains(*name) && !after.flaky.contains(*name)) {
        use Verdict::{Failed, Passed, Skipped};
        let list = match (before.tests.get(name), after.tests.get(name)) {
            (Some(Passed), Some(Passed)) => {
                matrix.passing += 1;
                continue;
            }
            (Some(Failed), Some(Passed)) => &mut matrix.fixed,
            (Some(Passed | Skipped), Some(Failed)) => &mut matrix.broken,
            (Some(Failed), Some(Failed)) => &mut matrix.still_failing,
            (None, Some(Passed)) => &mut matrix.new,
            (None, Some(Failed)) => &mut matrix.new_failing,
            (Some(Passed | Failed), None) => &mut matrix.removed,
            (Some(Passed | Failed), Some(Skipped)) => &mut matrix.newly_skipped,
            (Some(Skipped), Some(Passed | Skipped) | None) | (None, Some(Skipped) | None) => continue,
        };
        list.push(name.to_string());
    }
    Some(matrix)
}

/// Returns the tests whose results differ among runs on the same tree.
#[must_use]
pub fn flaky(runs: &[TestResults]) -> BTreeSet<String> {
    Verdicts::of(runs).map(|verdicts| verdicts.flaky.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::journal::TestCase;

    /// Parses `a+ b- c~`: passed, failed, skipped.
    pub(crate) fn run(line: &str) -> TestResults {
        let case = |word: &str| {
            let (name, sign) = word.split_at(word.len() - 1);
            let verdict = match sign {
                "+" => Verdict::Passed,
                "-" => Verdict::Failed,
                _ => Verdict::Skipped,
            };
            (name.into(), TestCase { verdict, message: None, file: None })
        };
        TestResults {
            source: String::new(),
            tests: Arc::new(line.split_whitespace().map(case).collect()),
            complete: true,
        }
    }

    fn matrix(before: &[&str], after: &[&str]) -> Option<Matrix> {
        let runs = |lines: &[&str]| lines.iter().map(|line| run(line)).collect::<Vec<_>>();
        compare(&runs(before), &runs(after))
    }

    #[test]
    fn each_way_from_before_to_after_has_its_list() {
        let before = "pp+ pf+ ps+ pm+ fp- ff- fs- fm- sp~ sf~ ss~ sm~";
        let after = "pp+ pf- ps~ fp+ ff- fs~ sp+ sf- ss~ mp+ mf- ms~";
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = Matrix {
            fixed: names(&["fp"]),
            broken: names(&["pf", "sf"]),
            still_failing: names(&["ff"]),
            new: names(&["mp"]),
            new_failing: names(&["mf"]),
            removed: names(&["fm", "pm"]),
            newly_skipped: names(&["fs", "ps"]),
            flaky: vec![],
            passing: 1,
        };
        assert_eq!(matrix(&[before], &[after]), Some(expected));
    }

    #[test]
    fn what_differs_on_the_same_tree_is_flaky_and_nothing_else() {
        let told = matrix(&["a- b+ c-", "a+ b+ c-"], &["a+ b- c+", "a+ b+ c+"]).expect("both sides ran");
        assert_eq!(told.flaky, ["a", "b"]);
        assert_eq!((told.fixed, told.broken), (vec!["c".to_owned()], vec![]));
        let told = matrix(&["a- b+", "a- b2+"], &["a+ b3+"]).expect("both sides ran");
        assert_eq!(
            (told.flaky, told.fixed, told.removed),
            (vec!["b".to_owned(), "b2".into()], vec!["a".into()], vec![])
        );
    }

    #[test]
    fn a_side_without_a_whole_run_says_nothing() {
        let crashed = TestResults { complete: false, ..run("a+") };
        assert_eq!(compare(&[run("a-")], std::slice::from_ref(&crashed)), None);
        assert_eq!(compare(&[crashed], &[run("a+")]), None);
        assert_eq!(matrix(&[""], &["a+"]), None);
        assert_eq!(matrix(&[], &["a+"]), None);
    }
}
