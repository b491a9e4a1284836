//! `pytest.ini`, `pyproject.toml`, `setup.cfg`, `tox.ini`.

use std::collections::BTreeMap;

use super::super::change::ChangedSource;
use super::super::units::SourceUnits;
use super::commands;
use crate::journal::TamperFlag;
use crate::tamper::change::runner_changed;

/// Keys that decide which tests are found.
const FINDS: [&str; 9] = [
    "testpaths",
    "python_files",
    "python_classes",
    "python_functions",
    "norecursedirs",
    "collect_ignore",
    "collect_ignore_glob",
    "required_plugins",
    "test_suite",
];

/// Values by section and key, each with the line of its key.
type Values = BTreeMap<(String, String), (usize, String)>;

pub(super) fn flags(file: &ChangedSource, name: &str) -> Vec<TamperFlag> {
    let values =
        |outline: &Option<SourceUnits>| outline.as_ref().map(|outline| values(&outline.file.text)).unwrap_or_default();
    let (before, after) = (values(&file.before), values(&file.after));
    if file.is_gone {
        let weakens = name.ends_with("pytest.ini");
        return vec![runner_changed(file, 1, weakens, "the configuration of the tests is gone")];
    }
    let mut flags = Vec::new();
    for ((section, key), (line, value)) in &after {
        let old = before.get(&(section.clone(), key.clone())).map(|(_, old)| old.as_str());
        if old == Some(value) {
            continue;
        }
        flags.extend(judge(section, key, old, value).map(|(weakens, reason)| {
            runner_changed(file, file.place_of_new(*line), weakens, format!("`{key}`: {reason}"))
        }));
    }
    for ((section, key), (line, _)) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
        if is_of_tests(section) {
            let weakens = key == "xfail_strict"
                || section.contains("pytest") && FINDS.contains(&key.as_str()) && key.starts_with("python_");
            let reason = format!("`{key}` isn't set any more");
            flags.push(runner_changed(file, file.place_of_old(*line), weakens, reason));
        }
    }
    flags
}

/// Whether a new value weakens, and the reason to report.
fn judge(section: &str, key: &str, old: Option<&str>, new: &str) -> Option<(bool, &'static str)> {
    if section.starts_with("testenv") && key.starts_with("commands")
        || section.contains("scripts") && key.starts_with("test")
    {
        let weaker = commands::weaker(old.unwrap_or("pytest"), new);
        let ignored = |text: &str| text.lines().filter(|line| line.trim_start().starts_with("- ")).count();
        let forgives = ignored(new) > old.map_or(0, ignored);
        return (old.is_some() || weaker.is_some())
            .then(|| (weaker.is_some() || forgives, weaker.unwrap_or("how the tests are run was changed")));
    }
    if !is_of_tests(section) {
        return None;
    }
    let parts = |text: &str| {
        text.split(|c: char| c.is_whitespace() || ",[]\"'".contains(c))
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let keeps_old = old.is_some_and(|old| parts(old).iter().all(|part| parts(new).contains(part)));
    match key {
        "norecursedirs" | "collect_ignore" | "collect_ignore_glob" => Some((true, "fewer tests are found")),
        _ if FINDS.contains(&key) => Some((!keeps_old, "which tests are found was changed")),
        "addopts" | "args" => {
            let weaker = commands::weaker(old.unwrap_or(""), new);
            Some((weaker.is_some(), weaker.unwrap_or("how the tests are run was changed")))
        }
        "xfail_strict" | "ignore_errors" => Some((new != "true" && new != "True", "how failures count was changed")),
        "fail_under" => Some((false, "the floor of coverage was changed")),
        "markers" | "log_cli" | "minversion" | "asyncio_mode" | "filterwarnings" => None,
        _ => Some((false, "how the tests are run was changed")),
    }
}

fn is_of_tests(section: &str) -> bool {
    section.contains("pytest")
        || section == "unittest"
        || section == "nosetests"
        || section == "aliases"
        || section == "coverage:report"
        || section.starts_with("tool.coverage.report")
}

/// Parses `key = value` below `[section]`; indented lines and lines inside brackets continue the value.
fn values(lines: &[String]) -> Values {
    let mut values = Values::new();
    let mut section = String::new();
    let mut last: Option<(String, String)> = None;
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            continue;
        }
        let goes_on = line.starts_with([' ', '\t']) || trimmed.starts_with([']', '\"', '\'', '}']);
        if let Some((_, value)) = last.as_ref().filter(|_| goes_on).and_then(|key| values.get_mut(key)) {
            value.push('\n');
            value.push_str(trimmed);
        } else if trimmed.starts_with('[') {
            section = String::from(trimmed.trim_matches(['[', ']']));
            last = None;
        } else if let Some((key, value)) = trimmed.split_once('=').or_else(|| trimmed.split_once(':')) {
            let key = (section.clone(), key.trim().trim_matches('"').to_owned());
            values.insert(key.clone(), (at, value.trim().trim_matches(['"', '\'']).to_owned()));
            last = Some(key);
        }
    }
    values
}
