//! Lines of test files that stand in no function: marks on whole suites, build tags, modules that are no longer named.

use super::assertions::squeeze;
use super::change::File;
use super::language::Language;
use super::pattern::Pattern;
use super::skips;
use super::units::Outline;
use crate::journal::{TamperFlag, TamperKind};

static BUILD_TAG: Pattern = Pattern::new(r"^//\s*(?:go:build|\+build)\b");
static MODULE: Pattern = Pattern::new(r"^\s*(?:pub\s+)?mod\s+(\w*test\w*)\s*[;{]");
static CFG: Pattern = Pattern::new(r"#!?\[\s*cfg\b");
static CFG_TEST: Pattern = Pattern::new(r"#\[\s*cfg\(\s*test\s*\)\s*\]");
static SET_UP: Pattern = Pattern::new(
    r"(?i)\b(?:jest|vi)\.(?:mock|doMock|setMock|spyOn)\(|\bmonkeypatch\.|\bmock\.patch|@patch\b|autouse\s*=\s*True|\bstub_const|\ballow_any_instance_of",
);

/// What is to be said of the lines outside functions, and of marks that stand anywhere.
pub(super) fn flags(file: &File) -> Vec<TamperFlag> {
    let Some(after) = &file.after else { return Vec::new() };
    let mut flags = Vec::new();
    for at in file.added() {
        let (code, raw) = (after.file.code[at].as_str(), after.file.raw[at].as_str());
        let place = file.place_of_new(at);
        let is_known = || {
            file.removed().any(|old| {
                file.before
                    .as_ref()
                    .is_some_and(|before| squeeze(&before.file.text[old]) == squeeze(&after.file.text[at]))
            })
        };
        if skips::hides_others(after.language, code) && !is_known() {
            flags.push(file.flag(place, TamperKind::TestSkipped, true, "with `only`, all other tests are left out"));
        } else if skips::count(after.language, code) > 0 && in_old_suite(file, after, at) && !is_known() {
            flags.push(file.flag(place, TamperKind::TestSkipped, true, "a whole group of tests is skipped"));
        } else if BUILD_TAG.is_match(raw) && after.language == Language::Go && !file.is_new {
            flags.push(file.flag(
                place,
                TamperKind::TestHidden,
                true,
                "with this build tag, the tests of the file aren't built as before",
            ));
        } else if SET_UP.is_match(code)
            && after.unit_at(at).is_none_or(|unit| !unit.is_test)
            && !file.is_new
            && !is_known()
        {
            flags.push(file.flag(
                place,
                TamperKind::TestEdited,
                false,
                "something is put in the place of what is tested, for all tests of the file",
            ));
        } else if is_conditional_module(after, at) && !is_known() && !file.is_new {
            flags.push(file.flag(
                place,
                TamperKind::TestHidden,
                true,
                "tests of the module are built only under this condition",
            ));
        }
    }
    flags.extend(module_removed(file));
    let names = |tests: &mut TamperFlag| tests.tests = known_tests(file);
    flags.iter_mut().for_each(names);
    flags
}

/// Outside of functions, or the head of a suite, in a place where there were tests before.
fn in_old_suite(file: &File, after: &Outline, at: usize) -> bool {
    if file.is_new || after.unit_at(at).is_some() {
        return false;
    }
    let suite = after
        .suites
        .iter()
        .filter(|suite| suite.header.start <= at && at < suite.body.end)
        .min_by_key(|suite| suite.body.len());
    let Some(before) = &file.before else { return false };
    match suite {
        // A new suite may skip what it likes.
        Some(suite) => {
            before.suites.iter().any(|old| old.name == suite.name) || renamed(before, after, suite.body.clone())
        }
        None => before.tests().next().is_some() || before.language == Language::Other,
    }
}

/// Tests of before stand in these lines.
fn renamed(before: &Outline, after: &Outline, lines: std::ops::Range<usize>) -> bool {
    let mut inside = after.tests().filter(|test| lines.contains(&test.body.start));
    inside.any(|test| before.tests().any(|old| old.bare == test.bare))
}

/// `#[cfg(feature = "slow")]` above a module of tests, or inside its file.
fn is_conditional_module(after: &Outline, at: usize) -> bool {
    let code = after.file.code[at].as_str();
    if after.language != Language::Rust || !CFG.is_match(code) || CFG_TEST.is_match(code) {
        return false;
    }
    let is_inner = code.trim_start().starts_with("#![") && after.tests().next().is_some();
    is_inner
        || after.suites.iter().any(|suite| suite.header.contains(&at) && suite.name.contains("test"))
        || after.tests().any(|test| test.header.contains(&at))
}

/// `mod tests;` that isn't named any more: its file is there, but isn't built.
fn module_removed(file: &File) -> Option<TamperFlag> {
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

/// Tests that stood in the file before.
pub(super) fn known_tests(file: &File) -> Vec<String> {
    const ENOUGH: usize = 500;
    let tests = file.before.iter().flat_map(|before| before.tests());
    tests.take(ENOUGH).map(|test| test.name.clone()).collect()
}
