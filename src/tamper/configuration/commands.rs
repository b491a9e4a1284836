//! Commands that run tests, in any file.

use super::super::change::ChangedSource;
use super::super::pattern::Pattern;
use super::super::role::has_ending;
use crate::journal::TamperFlag;
use crate::tamper::change::runner_changed;

/// Words that make a failure not count.
static FORGIVES: Pattern = Pattern::new(
    r"\|\|\s*(?:true|:|exit\s+0|echo\b|\(?exit\s+0|/bin/true)|;\s*(?:true|:|exit\s+0)\s*(?:$|[;)&\x22])|\bset\s+\+e\b|--passWithNoTests|--pass-with-no-tests|--no-fail-on-empty|\|\s*(?:tee|cat|head|tail|grep)\b|&\s*$|2>&1\s*\|\s*true",
);
/// Words that make fewer tests run.
static NARROWS: Pattern = Pattern::new(
    r"(?:^|\s)(?:-k\b|--ignore(?:-glob)?\b|--deselect\b|-m\s+['\x22]?not\b|--collect-only\b|--co\b|-p\s+no:\w+|--testNamePattern|--testPathIgnorePatterns|--test-name-pattern|--grep\b|-g\s|--fgrep\b|--invert\b|--exclude\b|--onlyChanged|--onlyFailures|-run[ =]|-skip[ =]|--skip\b|--filter\b|--filter-expr\b|--no-run\b|--lib\b|--doc\b|--updateSnapshot|--update-snapshots?|--snapshot-update|-u\b|--list\b|--exclude-group|--exclude-pattern|--dry-run\b|--last-failed|--lf\b|-short\b|--shard|--bail=0|-DskipTests|-Dmaven\.test\.skip|--no-tests=pass|--ignore-default-filter)",
);
/// Words that run tests at all.
static RUNNER: Pattern = Pattern::new(
    r"\b(?:jest|vitest|mocha|ava|tap|tape|uvu|karma|jasmine|qunit|cypress|playwright|wtr|lab|c8|nyc|node\s+.*--test|node\s+--test|react-scripts\s+test|ng\s+test|tsd|xo|turbo|nx|lerna|(?:npm|pnpm|yarn|bun|deno|npx|wireit|npm-run-all|run-s|run-p|gulp|grunt|rake|make|tox|nox|hatch|poetry|uv|just|cargo|go|dotnet|mvn\w*|gradle\w*|\./gradlew|\./mvnw|mix|swift|zig|bazel)\b|pytest|py\.test|unittest|nose\w*|nextest|trial|green|stestr|phpunit|pest|paratest|rspec|minitest|ctest|bats|test\w*)",
);
static TEST_RULE: Pattern = Pattern::new(r"^\s*(?:test|tests|check|unittest|unit|spec)[\w-]*\s*[\w\s-]*:(?:[^=]|$)");

/// Tells how `after` is weaker than `before`; `None` if it isn't.
pub(super) fn weaker(before: &str, after: &str) -> Option<&'static str> {
    let more = |pattern: &Pattern| pattern.count(after) > pattern.count(before);
    if more(&FORGIVES) {
        Some("a failure of the tests goes by")
    } else if more(&NARROWS) {
        Some("not all tests are run any more")
    } else if RUNNER.is_match(before) && !RUNNER.is_match(after) {
        Some("no tests are run any more")
    } else if names_more_files(before, after) {
        Some("only some files of tests are run")
    } else {
        None
    }
}

/// Whether `after` is the same command with additional file names.
fn names_more_files(before: &str, after: &str) -> bool {
    let files = |text: &str| {
        let is_file = |word: &&str| {
            (word.contains('/') || word.contains(".test.") || word.contains(".spec.") || has_ending(word, "py"))
                && word.contains("test")
                && !word.contains('*')
                && !word.starts_with('-')
        };
        text.split_whitespace().filter(is_file).count()
    };
    let runner = |text: &str| text.split_whitespace().find(|word| RUNNER.is_match(word)).map(str::to_owned);
    files(before) == 0 && files(after) > 0 && runner(before) == runner(after)
}

/// Settings that affect the runner from outside of a recipe.
static FROM_OUTSIDE: Pattern = Pattern::new(
    r"^\s*\.IGNORE\b|\bPYTEST_ADDOPTS\b|\bMAKEFLAGS\b|\bGOFLAGS\b|\bPYTHONOPTIMIZE\b|\bNEXTEST_\w+|\bRUSTFLAGS\b|\bMAVEN_OPTS\b|\bNODE_OPTIONS\b",
);

fn from_outside(file: &ChangedSource) -> Option<TamperFlag> {
    let after = file.after.as_ref()?;
    let at = file.added().find(|at| FROM_OUTSIDE.is_match(&after.file.text[*at]))?;
    Some(runner_changed(file, file.place_of_new(at), true, "the runner is told something that its command doesn't say"))
}

/// Flags makefiles and scripts: recipes of test targets, and scripts as a whole.
pub(super) fn recipes(file: &ChangedSource) -> Vec<TamperFlag> {
    let name = file.path.as_str().rsplit('/').next().unwrap_or_default().to_lowercase();
    let is_script = has_ending(&name, "sh") || has_ending(&name, "py");
    let recipe = |lines: &[String]| -> Vec<(usize, String)> {
        let mut inside = is_script;
        let mut kept = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if !is_script && !line.starts_with([' ', '\t']) && !line.trim().is_empty() {
                inside = TEST_RULE.is_match(line) && !line.trim_start().starts_with('#');
            }
            if inside && !line.trim().is_empty() {
                kept.push((at, line.trim().to_owned()));
            }
        }
        kept
    };
    let before = file.before.as_ref().map_or_else(Vec::new, |before| recipe(&before.file.text));
    let Some(after) = &file.after else {
        return vec![runner_changed(file, 1, true, "what ran the tests is gone")];
    };
    let after = recipe(&after.file.text);
    if let Some(flag) = from_outside(file) {
        return vec![flag];
    }
    if file.is_new || before.is_empty() {
        return Vec::new();
    }
    let text = |lines: &[(usize, String)]| lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
    let (old, new) = (text(&before), text(&after));
    if old == new {
        return Vec::new();
    }
    let line = after.iter().find(|(_, line)| !before.iter().any(|(_, old)| old == line));
    let line = line.or(after.first()).map_or(1, |(at, _)| file.place_of_new(*at));
    let ignores = |text: &str| text.lines().filter(|line| line.starts_with('-') || line.starts_with("@-")).count();
    let reason =
        if ignores(&new) > ignores(&old) { Some("a failure of the tests goes by") } else { weaker(&old, &new) };
    vec![runner_changed(file, line, reason.is_some(), reason.unwrap_or("how the tests are run was changed"))]
}
