//! Flags changes in test files outside of functions: marks on whole suites, build tags, modules that are no longer
//! declared.

use super::change::ChangedSource;
use super::language::Language;
use super::pattern::Pattern;
use super::skips;
use super::units::SourceUnits;
use crate::journal::{TamperFlag, TamperKind};

static BUILD_TAG: Pattern = Pattern::new(r"^//\s*(?:go:build|\+build)\b");
static NEVER: Pattern = Pattern::new(r"^\s*(?:if|while)\s*\(?\s*(?:False|false|0|None|TYPE_CHECKING)\s*\)?\s*[:{]");
static REBINDS: Pattern = Pattern::new(r"^\s*(?:del\s+([\w.]+)|([\w.]+)\s*=[^=])");
static SET_UP_NAME: Pattern = Pattern::new(r"(?i)^(?:async)?_?set_?up|^before");
static REBINDS_MODULE: Pattern = Pattern::new(r"^\w+(?:\.\w+)+\s*=[^=]|^setattr\(|^pytest_plugins\b");
static MODULE: Pattern = Pattern::new(r"^\s*(?:pub\s+)?mod\s+(\w*test\w*)\s*[;{]");
static CFG: Pattern = Pattern::new(r"#!?\[\s*cfg\b");
static CFG_TEST: Pattern = Pattern::new(r"#\[\s*cfg\(\s*test\s*\)\s*\]");
static SET_UP: Pattern = Pattern::new(
    r"(?i)\b(?:jest|vi)\.(?:mock|doMock|setMock|spyOn)\(|\bmonkeypatch\.|\bmock\.patch|@patch\b|autouse\s*=\s*True|\bstub_const|\ballow_any_instance_of",
);

/// Flags added lines outside of functions, and marks anywhere.
pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    let Some(after) = &file.after else { return Vec::new() };
    let flag = |at: usize| {
        let (kind, weakens, reason) = line(file, after, at)?;
        Some(TamperFlag { tests: known_tests(file), ..file.flag(file.place_of_new(at), kind, weakens, reason) })
    };
    file.added().filter(|at| !file.is_moved(*at)).filter_map(flag).collect()
}

fn line(file: &ChangedSource, after: &SourceUnits, at: usize) -> Option<(TamperKind, bool, &'static str)> {
    let code = after.file.code[at].as_str();
    if skips::hides_others(after.language, code) {
        Some((TamperKind::TestSkipped, true, "with `only`, all other tests are left out"))
    } else if skips::count(after.language, code) > 0 && in_old_suite(file, after, at) {
        Some((TamperKind::TestSkipped, true, "a whole group of tests is skipped"))
    } else if !file.is_new && (is_build_tag(after, at) || is_conditional_module(after, at)) {
        Some((TamperKind::TestHidden, true, "under this condition, tests aren't built or found as before"))
    } else if takes_name_away(file, after, at) {
        Some((TamperKind::TestHidden, true, "the name of a test means something else from here on"))
    } else if replaces(file, after, at) {
        Some((TamperKind::TestEdited, false, "tested code is replaced (mocked) for many tests at once"))
    } else {
        None
    }
}

fn is_build_tag(after: &SourceUnits, at: usize) -> bool {
    match after.language {
        // After the package clause or in a string it has no effect.
        Language::Go => {
            BUILD_TAG.is_match(&after.file.raw[at])
                && after.is_comment_at(at)
                && after.file.code[..at].iter().all(|line| line.trim().is_empty())
        }
        Language::CSharp => after.file.code[at].trim_start().starts_with("#if"),
        Language::Python | Language::JavaScript => NEVER.is_match(&after.file.code[at]),
        _ => false,
    }
}

/// Matches `del test_add` and `test_add = None` outside of functions.
fn takes_name_away(file: &ChangedSource, after: &SourceUnits, at: usize) -> bool {
    let Some(found) = REBINDS.captures(&after.file.code[at]).filter(|_| after.language == Language::Python) else {
        return false;
    };
    let name = found.get(1).or(found.get(2)).and_then(|name| name.as_str().rsplit('.').next()).unwrap_or_default();
    let Some(before) = file.before.as_ref().filter(|_| after.unit_at(at).is_none()) else { return false };
    before.tests().any(|test| test.bare == name) || before.suites.iter().any(|suite| suite.name == name)
}

/// Whether the line replaces the tested code for many tests at once.
fn replaces(file: &ChangedSource, after: &SourceUnits, at: usize) -> bool {
    let code = &after.file.code[at];
    let is_conftest = file.path.as_str().ends_with("conftest.py");
    let in_test = after.unit_at(at).is_some_and(|unit| unit.is_test);
    let rebinds = is_conftest && REBINDS_MODULE.is_match(code);
    !in_test && (rebinds || (is_conftest || !file.is_new) && SET_UP.is_match(code))
}

/// Whether the line belongs to a function that runs before the tests of a suite or file.
fn is_set_up(after: &SourceUnits, at: usize) -> bool {
    after.unit_at(at).is_some_and(|unit| {
        let header = after.file.text[unit.header.clone()].concat();
        let says = ["@Before", "autouse", "[SetUp", "[OneTimeSetUp", "[TestInitialize"];
        !unit.is_test && (SET_UP_NAME.is_match(&unit.bare) || says.iter().any(|word| header.contains(word)))
    })
}

/// Whether the line is outside of functions, or in the head of a suite, where there were tests before.
fn in_old_suite(file: &ChangedSource, after: &SourceUnits, at: usize) -> bool {
    if file.is_new || after.unit_at(at).is_some() && !is_set_up(after, at) {
        return false;
    }
    let suite = after
        .suites
        .iter()
        .filter(|suite| suite.header.start <= at && at < suite.body.end)
        .min_by_key(|suite| suite.body.len());
    let Some(before) = &file.before else { return false };
    match suite {
        // A new suite may skip anything.
        Some(suite) => {
            before.suites.iter().any(|old| old.name == suite.name) || renamed(before, after, suite.body.clone())
        }
        None => before.tests().next().is_some() || before.language == Language::Other,
    }
}

/// Whether a suite contains tests that existed before.
fn renamed(before: &SourceUnits, after: &SourceUnits, lines: std::ops::Range<usize>) -> bool {
    let mut inside = after.tests().filter(|test| lines.contains(&test.body.start));
    inside.any(|test| before.tests().any(|old| old.bare == test.bare))
}

/// Matches `#[cfg(feature = "slow")]` above a test module or inside its file.
fn is_conditional_module(after: &SourceUnits, at: usize) -> bool {
    let code = after.file.code[at].as_str();
    if after.language != Language::Rust || !CFG.is_match(code) || CFG_TEST.is_match(code) {
        return false;
    }
    let is_inner = code.trim_start().starts_with("#![") && after.tests().next().is_some();
    is_inner
        || after.suites.iter().any(|suite| suite.header.contains(&at) && suite.name.contains("test"))
        || after.tests().any(|test| test.header.contains(&at))
}

/// Flags a `mod tests;` that was removed: its file still exists, but isn't compiled.
pub(super) fn module_removed(file: &ChangedSource) -> Option<TamperFlag> {
    let before = file.before.as_ref().filter(|before| before.language == Language::Rust)?;
    let after = file.after.as_ref()?;
    let names = |line: &str| MODULE.captures(line).and_then(|found| found.get(1).map(|name| name.as_str().to_owned()));
    let stands = |name: &str| after.file.code.iter().any(|line| names(line).is_some_and(|other| other == name));
    let gone = |at: &usize| {
        let line = &before.file.code[*at];
        line.trim_end().ends_with(';') && names(line).is_some_and(|name| !stands(&name))
    };
    let at = file.removed().find(gone)?;
    let name = names(&before.file.code[at])?;
    Some(file.flag(
        file.place_of_old(at),
        TamperKind::TestHidden,
        true,
        format!("the module `{name}` isn't built any more"),
    ))
}

/// Tests that the file contained before.
fn known_tests(file: &ChangedSource) -> Vec<String> {
    const ENOUGH: usize = 500;
    let tests = file.before.iter().flat_map(SourceUnits::tests);
    tests.take(ENOUGH).map(|test| test.name.clone()).collect()
}
