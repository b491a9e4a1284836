//! Decides which flags reject a patch once the test results are known.

use super::names::is_same;
use crate::journal::{TamperFlag, TamperKind};

/// Returns the flags that reject the patch: those that weaken tests, and edits of tests in `fixed`, which holds the
/// runner's names of tests that failed at the start and pass now.
///
/// A task that asks to change tests (`asked_for_tests`) excuses changes to tests, but not changes to how they are run.
#[must_use]
pub fn judge(flags: &[TamperFlag], fixed: &[String], asked_for_tests: bool) -> Vec<TamperFlag> {
    let refusing = flags.iter().filter(|flag| !(asked_for_tests && is_about_tests(flag.kind)));
    refusing
        .filter_map(|flag| if flag.weakens { Some(flag.clone()) } else { edited_into_passing(flag, fixed) })
        .collect()
}

/// Whether a task that asks to change tests excuses this kind.
fn is_about_tests(kind: TamperKind) -> bool {
    match kind {
        TamperKind::TestRemoved
        | TamperKind::TestSkipped
        | TamperKind::TestHidden
        | TamperKind::AssertionRemoved
        | TamperKind::AssertionLoosened
        | TamperKind::ExpectationChanged
        | TamperKind::SnapshotChanged
        | TamperKind::TestEdited => true,
        TamperKind::RunnerChanged | TamperKind::EarlyExit | TamperKind::Shadowed | TamperKind::TestDetected => false,
    }
}

/// Turns a note into a rejection if it affects a test that was fixed. If the affected tests are unknown, any fixed test
/// counts.
fn edited_into_passing(flag: &TamperFlag, fixed: &[String]) -> Option<TamperFlag> {
    let decides = is_about_tests(flag.kind) || flag.kind == TamperKind::Shadowed;
    if !decides {
        return None;
    }
    let test = if flag.tests.is_empty() {
        fixed.first()?
    } else {
        fixed.iter().find(|test| flag.tests.iter().any(|name| is_same(test, name, &flag.path)))?
    };
    let reason = format!("{}; `{test}` failed before and passes now", flag.reason);
    Some(TamperFlag { weakens: true, reason, ..flag.clone() })
}
