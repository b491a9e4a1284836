//! Which flags refuse a patch, once it is known what the tests say.

use super::names::is_same;
use crate::journal::{TamperFlag, TamperKind};

/// The flags that refuse the patch: those that weaken tests, and edits of tests in `fixed`, the runner's names of
/// those that failed at the start and pass now.
///
/// A task that asks for other tests (`asked_for_tests`) excuses what was done to tests, but not what was done to their runner.
#[must_use]
pub fn judge(flags: &[TamperFlag], fixed: &[String], asked_for_tests: bool) -> Vec<TamperFlag> {
    let refusing = flags.iter().filter(|flag| !(asked_for_tests && is_about_tests(flag.kind)));
    refusing
        .filter_map(|flag| if flag.weakens { Some(flag.clone()) } else { edited_into_passing(flag, fixed) })
        .collect()
}

/// Kinds that a task to change tests explains.
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

/// The note as a refusal when it touches a test that was fixed. Where nobody knows which tests it touches, it may be any.
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
