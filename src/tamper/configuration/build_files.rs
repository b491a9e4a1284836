//! Maven, Gradle, .NET, PHPUnit, RSpec and CMake: files that are read line by line.

use super::super::change::ChangedSource;
use super::super::pattern::Pattern;
use crate::journal::TamperFlag;
use crate::tamper::change::runner_changed;

static ADDED: Pattern = Pattern::new(
    r"(?i)\b(?:skipTests|maven\.test\.skip|testFailureIgnore|maven\.test\.failure\.ignore|failIfNoTests>\s*false|ignoreFailures|excludeTestsMatching|includeTestsMatching|excludeTags|onlyIf|rerunFailingTestsCount|IsTestProject>\s*false|DISABLED|WILL_FAIL|defaultTestSuite)\b|<exclude|<groups>|<excludedGroups>|\bfailOn\w+=.false|\btest\w*\.enabled\s*=\s*false|\benabled\s*=\s*false|\bexclude\s*[('\x22]|--tag\s+~|--exclude-pattern|--pattern\b|set_tests_properties|\bomit\b|\bbeStrict\w+=.false|TestCaseFilter",
);
static REMOVED: Pattern = Pattern::new(
    r"(?i)<directory\b|<file>.*test|<testsuite\b|\badd_test\(|\benable_testing\(|gtest_discover_tests|catch_discover_tests|useJUnitPlatform|<include>|IsTestProject>\s*true|\bgem\s+.(?:minitest|rspec)",
);
static OF_TESTS: Pattern = Pattern::new(r"(?i)test|junit|surefire|spec\b|phpunit");

pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    let name = file.path.as_str().rsplit('/').next().unwrap_or_default();
    if file.is_gone && (name.starts_with("phpunit") || name == ".rspec") {
        return vec![runner_changed(file, 1, true, "the configuration of the tests is gone")];
    }
    let (Some(before), Some(after)) = (&file.before, &file.after) else { return Vec::new() };
    let is_known = |line: &str| before.file.raw.iter().any(|old| old.trim() == line.trim());
    let still_there = |line: &str| after.file.raw.iter().any(|new| new.trim() == line.trim());
    let near = |lines: &[String], at: usize| {
        let around = at.saturating_sub(8)..(at + 3).min(lines.len());
        lines[around].iter().any(|line| OF_TESTS.is_match(line))
    };
    let added = file.added().find(|at| {
        ADDED.is_match(&after.file.text[*at]) && !is_known(&after.file.raw[*at]) && near(&after.file.raw, *at)
    });
    if let Some(at) = added {
        return vec![runner_changed(file, file.place_of_new(at), true, "fewer tests are run, or failures go by")];
    }
    let removed =
        file.removed().find(|at| REMOVED.is_match(&before.file.text[*at]) && !still_there(&before.file.raw[*at]));
    if let Some(at) = removed {
        return vec![runner_changed(file, file.place_of_old(at), true, "tests that were run aren't listed any more")];
    }
    let touched = file.added().find(|at| OF_TESTS.is_match(&after.file.raw[*at]));
    touched
        .map(|at| runner_changed(file, file.place_of_new(at), false, "how tests are run may have changed"))
        .into_iter()
        .collect()
}
