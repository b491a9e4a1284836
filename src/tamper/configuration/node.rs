//! `package.json`, `composer.json`, and configuration files of JavaScript's runners.

use serde_json::Value;

use super::super::change::ChangedSource;
use super::super::pattern::Pattern;
use super::super::units::SourceUnits;
use super::commands;
use crate::journal::TamperFlag;
use crate::tamper::change::runner_changed;

/// Sections of a manifest that configure a runner.
const RUNNERS: [&str; 6] = ["jest", "mocha", "ava", "vitest", "tap", "jasmine"];
/// Runner settings that decide which tests are found, or what a failure means.
static DECIDES: Pattern = Pattern::new(
    r"\b(?:testPathIgnorePatterns|modulePathIgnorePatterns|testMatch|testRegex|roots|rootDir|passWithNoTests|testNamePattern|grep|fgrep|invert|exclude|include|files|spec|ignore|testRunner|runner|testResultsProcessor|testSequencer|haste|allowOnly|forbidOnly|projects|testIgnore|dangerouslyIgnoreUnhandledErrors|moduleNameMapper|alias|testDir|globalTeardown|reporters)\b",
);
/// Those of them that can only remove tests.
static TAKES_AWAY: Pattern = Pattern::new(
    r"\b(?:testPathIgnorePatterns|passWithNoTests|testNamePattern|grep|fgrep|invert|exclude|ignore|testIgnore|dangerouslyIgnoreUnhandledErrors|testRunner|testResultsProcessor|dry-?[rR]un)\b",
);

pub(super) fn is_runner_configuration(name: &str) -> bool {
    [
        "jest.config",
        "vitest.",
        ".mocharc",
        "karma.conf",
        "playwright.config",
        "ava.config",
        ".taprc",
        "web-test-runner",
        "jasmine",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

fn json(outline: &SourceUnits) -> Option<Value> {
    serde_json::from_str(&outline.file.raw.join("\n")).ok()
}

/// Flags changes of `scripts.test`, related scripts, and runner settings.
pub(super) fn manifest(file: &ChangedSource) -> Vec<TamperFlag> {
    let parse = |outline: &Option<SourceUnits>| outline.as_ref().and_then(json);
    let Some(after) = parse(&file.after) else {
        let says = "the manifest that says how tests are run can't be read any more";
        return if file.is_new { Vec::new() } else { vec![runner_changed(file, 1, true, says)] };
    };
    if file.is_new {
        return Vec::new();
    }
    let before = parse(&file.before).unwrap_or_default();
    let mut flags = scripts(file, &before["scripts"], &after["scripts"]);
    for runner in RUNNERS {
        if before[runner] != after[runner] {
            let weakens = runner_weakens(&before[runner], &after[runner]);
            let reason = format!("the settings of {runner} were changed");
            flags.push(runner_changed(file, line_of(file, &format!("\"{runner}\"")), weakens, reason));
        }
    }
    flags
}

fn scripts(file: &ChangedSource, before: &Value, after: &Value) -> Vec<TamperFlag> {
    let is_test = |name: &str| {
        ["test", "pretest", "posttest", "unit", "check", "ci"].contains(&name)
            || name.starts_with("test:")
            || name.starts_with("test-")
    };
    let command = |value: &Value| match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" && "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let (Some(old), empty) = (before.as_object(), serde_json::Map::new()) else { return Vec::new() };
    let new = after.as_object().unwrap_or(&empty);
    let mut flags = Vec::new();
    for (name, was) in old.iter().filter(|(name, _)| is_test(name)) {
        let (was, is) = (command(was), new.get(name).map(command).unwrap_or_default());
        if was == is {
            continue;
        }
        let weaker = if is.is_empty() && name == "test" { Some("it is gone") } else { commands::weaker(&was, &is) };
        let weaker = weaker.filter(|_| !is.is_empty() || name == "test");
        let reason = format!("the script `{name}`: {}", weaker.unwrap_or("how tests are run was changed"));
        flags.push(runner_changed(file, line_of(file, &format!("\"{name}\"")), weaker.is_some(), reason));
    }
    flags
}

/// Whether a runner's new settings weaken it; a widened pattern still includes everything it did.
fn runner_weakens(before: &Value, after: &Value) -> bool {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return after.as_object().is_some_and(|new| new.keys().any(|key| TAKES_AWAY.is_match(key)));
    };
    new.iter().any(|(key, value)| {
        let was = old.get(key);
        was != Some(value)
            && DECIDES.is_match(key)
            && (TAKES_AWAY.is_match(key) || !was.is_some_and(|was| holds_all(was, value)))
    }) || old
        .keys()
        .any(|key| !new.contains_key(key) && ["testMatch", "spec", "files", "forbidOnly"].contains(&key.as_str()))
}

fn holds_all(before: &Value, after: &Value) -> bool {
    match (before.as_array(), after.as_array()) {
        (Some(old), Some(new)) => old.iter().all(|value| new.contains(value)),
        _ => false,
    }
}

/// First line of the new file with `word`, as the start of its hunk.
fn line_of(file: &ChangedSource, word: &str) -> u64 {
    let Some(after) = &file.after else { return 1 };
    let with_word = |at: &usize| after.file.raw[*at].contains(word);
    let at = file.added().find(with_word).or_else(|| (0..after.file.raw.len()).find(with_word));
    at.or_else(|| file.added().next()).map_or(1, |at| file.place_of_new(at))
}

/// Flags `jest.config.js` and the like by added and removed lines.
pub(super) fn runner(file: &ChangedSource) -> Vec<TamperFlag> {
    let (Some(before), Some(after)) = (&file.before, &file.after) else {
        let weakens = file.is_gone
            || file.after.as_ref().is_some_and(|after| after.file.text.iter().any(|line| TAKES_AWAY.is_match(line)));
        let word = if file.is_gone {
            "the settings of the tests' runner are gone"
        } else {
            "the tests' runner has settings of its own now"
        };
        return if weakens { vec![runner_changed(file, 1, !file.is_gone, word)] } else { Vec::new() };
    };
    if let (Some(old), Some(new)) = (json(before), json(after)) {
        let line = file.added().next().map_or(1, |at| file.place_of_new(at));
        return vec![runner_changed(
            file,
            line,
            runner_weakens(&old, &new),
            "the settings of the tests' runner were changed",
        )];
    }
    let words = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut flags = Vec::new();
    for at in file.added().filter(|at| !after.file.code[*at].trim().is_empty()) {
        let key_line = key_above(after, at);
        let code = after.file.text[key_line].as_str();
        let old = before.file.text.iter().find(|old| key_of(old).is_some() && key_of(old) == key_of(code));
        let keeps = old.is_some_and(|old| words(old).iter().all(|word| words(code).contains(word)));
        let weakens = TAKES_AWAY.is_match(code) || DECIDES.is_match(code) && !keeps && old.is_some();
        flags.push(runner_changed(
            file,
            file.place_of_new(at),
            weakens,
            format!("`{}`: how tests are run was changed", key_of(code).unwrap_or("…")),
        ));
    }
    flags.sort_by_key(|flag| !flag.weakens);
    flags.truncate(1);
    flags
}

/// Line with the key of the list that contains a line.
fn key_above(after: &SourceUnits, at: usize) -> usize {
    let is_open = |line: &str| line.trim_end().ends_with(['[', '{', '(']);
    (at.saturating_sub(30)..at)
        .rev()
        .take_while(|above| !after.file.code[*above].contains(']'))
        .find(|above| is_open(&after.file.code[*above]) && DECIDES.is_match(&after.file.text[*above]))
        .filter(|_| key_of(&after.file.text[at]).is_none())
        .unwrap_or(at)
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    Some(key.trim().trim_matches(['"', '\'']))
        .filter(|key| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_'))
}
