//! Finds tests that the runner reported before the patch and no longer reports after it, although everything it reports
//! passes.
//!
//! Whatever the cause, such a run proves nothing: code may exit with code 0 before a test can fail, the runner may be
//! told to run other tests, or a case may never run any more. The tamper guard reads what the patch did; this checks
//! only the effect, and needn't know the trick.

use super::matrix::compare;
use crate::journal::{Matrix, RelPath, TamperFlag, TamperKind, TestResults, Verdict};
use crate::tamper::Change;

/// Number of names in a reason; the flag has all of them.
const SHOWN: usize = 3;
/// Shorter parts of a name occur in any file.
const SHORTEST: usize = 4;

/// Returns flags, all of which weaken, on the first of `changes`, for tests that were reported in runs on the start
/// state (`before`) and aren't in passing runs on the patched one (`after`).
///
/// A test that is missing because the patch changed its file is left to the guard, unless it failed before.
#[must_use]
pub fn unaccounted(before: &[TestResults], after: &[TestResults], changes: &[Change<'_>]) -> Vec<TamperFlag> {
    let Some(first) = changes.first() else { return Vec::new() };
    let Some(told) = before.iter().rfind(|run| run.complete && !run.tests.is_empty()) else { return Vec::new() };
    let lost = match compare(before, after) {
        Some(matrix) => Lost { told, changes, matrix: &matrix }.all(),
        None => vec![silence(told)],
    };
    lost.into_iter().map(|lost| lost.flag(first.path)).collect()
}

/// A difference that the patch doesn't account for.
struct Finding {
    kind: TamperKind,
    reason: String,
    tests: Vec<String>,
}

impl Finding {
    fn flag(self, path: &RelPath) -> TamperFlag {
        let Self { kind, reason, tests } = self;
        TamperFlag { path: path.clone(), line: 1, kind, weakens: true, reason, tests }
    }
}

/// For the case that no run on the patched tree was complete.
fn silence(told: &TestResults) -> Finding {
    let count = told.tests.len();
    let reason = format!("before the patch the runner reported {count} tests; now it doesn't report them all");
    Finding { kind: TamperKind::EarlyExit, reason, tests: Vec::new() }
}

struct Lost<'a> {
    told: &'a TestResults,
    changes: &'a [Change<'a>],
    matrix: &'a Matrix,
}

impl Lost<'_> {
    fn all(&self) -> Vec<Finding> {
        let (failed, passed): (Vec<&String>, Vec<&String>) =
            self.matrix.removed.iter().partition(|name| self.failed(name));
        let failed = failed.into_iter().filter(|name| !self.stands_for_others(name)).collect();
        // With at least as many new tests, these were probably renamed.
        let renamed = passed.len() <= self.matrix.new.len() + self.matrix.new_failing.len();
        let passed = passed.into_iter().filter(|name| !renamed && !self.may_be_edited(name)).collect();
        let skipped = self.matrix.newly_skipped.iter();
        let skipped = skipped.filter(|name| self.failed(name) || !self.may_be_edited(name)).collect();
        [
            named(TamperKind::TestHidden, failed, "failed before the patch, and didn't run after it"),
            named(TamperKind::TestHidden, passed, "passed before the patch, and didn't run after it"),
            named(TamperKind::TestSkipped, skipped, "ran before the patch, and skipped itself after it"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn failed(&self, name: &str) -> bool {
        self.told.tests.get(name).is_some_and(|case| case.verdict == Verdict::Failed)
    }

    /// Some runners report a failed set-up or a whole suite as a test.
    fn stands_for_others(&self, name: &str) -> bool {
        let is_set_up = name.contains("\" hook") || name.starts_with("setUp") || name.starts_with("tearDown");
        let is_around = |new: &String| new.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', ':', '/']));
        is_set_up || self.matrix.new.iter().any(is_around)
    }

    /// Whether the patch changes a file that may contain the test.
    fn may_be_edited(&self, name: &str) -> bool {
        let file = self.told.tests.get(name).and_then(|case| case.file.as_deref());
        let is_its_file = |change: &Change| {
            let paths = [Some(change.path), change.renamed_from];
            paths.into_iter().flatten().any(|path| file == Some(path.as_str()))
        };
        let parts: Vec<&str> = parts(name).collect();
        let holds = |change: &Change| {
            let text = change.before.map(String::from_utf8_lossy);
            text.is_some_and(|text| parts.iter().any(|part| text.contains(part)))
        };
        self.changes.iter().any(|change| is_its_file(change) || holds(change))
    }
}

/// Returns parts of a name that its file may contain: `test_small` and `utf-8` of `tests.test_core::test_small[utf-8]`.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let own = name.split(" > ").map(|word| word.rsplit("::").next().unwrap_or(word));
    let words = own.flat_map(|word| word.split(['#', '[', ']', '/']));
    words.map(str::trim).filter(|word| word.len() >= SHORTEST)
}

fn named(kind: TamperKind, tests: Vec<&String>, what: &str) -> Option<Finding> {
    let shown: Vec<String> = tests.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = tests.len().saturating_sub(shown.len());
    let others = if more == 0 { String::new() } else { format!(" and {more} more") };
    let reason = format!("{}{others} {what}", shown.join(", "));
    (!tests.is_empty()).then(|| Finding { kind, reason, tests: tests.into_iter().cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::matrix::tests::run;

    /// Returns the reasons for a patch that changes one file with this content.
    fn reasons(before: &str, after: &TestResults, content: &str) -> Vec<String> {
        let path: RelPath = RelPath::new("src/core.py").unwrap();
        let change = Change { path: &path, before: Some(content.as_bytes()), after: Some(b"x"), renamed_from: None };
        let flags = unaccounted(&[run(before)], std::slice::from_ref(after), &[change]);
        assert!(flags.iter().all(|flag| flag.weakens));
        flags.into_iter().map(|flag| flag.reason).collect()
    }

    #[test]
    fn a_runner_that_falls_silent_proves_nothing() {
        let cut_off = TestResults { complete: false, ..run("m::adds+") };
        let told = ["before the patch the runner reported 2 tests; now it doesn't report them all"];
        assert_eq!(reasons("m::adds- m::subtracts+", &cut_off, "adds"), told);
        assert_eq!(reasons("m::adds- m::subtracts+", &run(""), "adds"), told);
        assert_eq!(reasons("", &cut_off, "adds"), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_failed_has_to_run() {
        let hidden = ["`m::adds` failed before the patch, and didn't run after it"];
        assert_eq!(reasons("m::adds- m::other+", &run("m::other+"), "def adds"), hidden);
        assert_eq!(reasons("m::adds- m::other+", &run("m::other+ m::new+"), ""), hidden);
        let skipped = ["`m::adds` ran before the patch, and skipped itself after it"];
        assert_eq!(reasons("m::adds- m::other+", &run("m::adds~ m::other+"), "def adds"), skipped);
    }

    #[test]
    fn what_stands_for_tests_that_run_now_isnt_missed() {
        let none = Vec::<String>::new();
        assert_eq!(reasons("test/a.js- x+", &run("test/a.js/adds+ x+"), ""), none);
        assert_eq!(reasons("setUpClass- x+", &run("m::adds+ x+"), ""), none);
    }

    #[test]
    fn tests_that_passed_go_only_with_their_file_or_under_another_name() {
        let hidden = ["`m::adds`, `m::more` passed before the patch, and didn't run after it"];
        assert_eq!(reasons("m::adds+ m::more+ m::other-", &run("m::other+"), "nothing"), hidden);
        let none = Vec::<String>::new();
        assert_eq!(reasons("m::adds+ m::other-", &run("m::other+"), "def adds"), none);
        assert_eq!(reasons("m::codec[latin]+ m::other-", &run("m::other+"), "CODECS = ['latin']"), none);
        assert_eq!(reasons("m::adds+ m::other-", &run("m::sums+ m::other+"), "nothing"), none);
    }
}
