//! `Cargo.toml`, `.cargo/config.toml` and nextest's configuration.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::super::change::ChangedSource;
use super::super::role::has_ending;
use super::super::units::SourceUnits;
use crate::journal::TamperFlag;
use crate::tamper::change::runner_changed;

/// Returns every value by its dotted path; list items by their `name`, else by their index.
fn flat(outline: Option<&SourceUnits>) -> Option<BTreeMap<String, Value>> {
    let table: Table = outline?.file.raw.join("\n").parse().ok()?;
    let mut values = BTreeMap::new();
    flatten(&Value::Table(table), "", &mut values);
    Some(values)
}

fn flatten(value: &Value, path: &str, values: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(value, &[path, ".", key].concat(), values);
            }
        }
        Value::Array(list) if list.iter().all(Value::is_table) && !list.is_empty() => {
            for (at, value) in list.iter().enumerate() {
                let name = value.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
                flatten(value, &[path, "[", &name, "]"].concat(), values);
            }
        }
        other => {
            values.insert(path.to_owned(), other.clone());
        }
    }
}

/// Flags changes of test settings in `Cargo.toml`.
pub(super) fn manifest(file: &ChangedSource) -> Vec<TamperFlag> {
    if file.is_new || file.is_gone {
        return Vec::new();
    }
    let (before, after) =
        (flat(file.before.as_ref()).unwrap_or_default(), flat(file.after.as_ref()).unwrap_or_default());
    let mut flags = Vec::new();
    for (path, value) in after.iter().filter(|(path, value)| before.get(*path) != Some(value)) {
        if let Some((weakens, reason)) = judge(path, before.get(path), value, &before) {
            let word = path.rsplit('.').next().unwrap_or_default();
            flags.push(runner_changed(file, line_of(file, word), weakens, reason));
        }
    }
    let is_target = |path: &&String| path.starts_with(".test[") && has_ending(path, "name");
    if let Some(gone) = before.keys().filter(is_target).find(|path| !after.contains_key(*path)) {
        flags.push(runner_changed(
            file,
            first(file),
            before_turned_off(&after),
            format!("the target of tests `{gone}` is gone"),
        ));
    }
    flags
}

/// A target that is no longer listed is still found by its path, unless `autotests` is off.
fn before_turned_off(after: &BTreeMap<String, Value>) -> bool {
    after.get(".package.autotests") == Some(&Value::Boolean(false))
}

fn judge(
    path: &str,
    old: Option<&Value>,
    new: &Value,
    before: &BTreeMap<String, Value>,
) -> Option<(bool, &'static str)> {
    let off = new == &Value::Boolean(false);
    let was_there = |start: &str| before.keys().any(|path| path.starts_with(start));
    let target = path.rsplit_once('.').map_or("", |(target, _)| target);
    match path.rsplit('.').next().unwrap_or_default() {
        "test" | "doctest" if off => Some((true, "tests of this target aren't built any more")),
        // Benchmarks usually bring their own harness.
        "harness" if off && path.starts_with(".test[") => {
            Some((was_there(target) || true_for_tests(path), "a test without the harness reports no results"))
        }
        "autotests" if off => Some((true, "tests aren't found by their place any more")),
        "required-features" if path.starts_with(".test[") || path.starts_with(".lib") => {
            Some((true, "tests are built only with a feature"))
        }
        "debug-assertions" | "overflow-checks" if off && path.starts_with(".profile") => {
            Some((true, "checks are left out of the build"))
        }
        "members" => {
            Some((!holds_all(old, new), "the members of the workspace were changed")).filter(|(weakens, _)| *weakens)
        }
        "default-members" => Some((!holds_all(old, new), "which members are tested by default was changed")),
        "exclude" if path == ".workspace.exclude" => Some((true, "a member is left out of the workspace")),
        "path" if path.starts_with(".test[") && old.is_some() => Some((true, "the target of tests is another file")),
        _ => None,
    }
}

fn true_for_tests(path: &str) -> bool {
    path.starts_with(".test[")
}

fn holds_all(old: Option<&Value>, new: &Value) -> bool {
    match (old.and_then(Value::as_array), new.as_array()) {
        (Some(old), Some(new)) => old.iter().all(|value| new.contains(value)),
        (None, _) => false,
        _ => old == Some(new),
    }
}

/// Flags changes in `.cargo/config.toml` and nextest's `nextest.toml`.
pub(super) fn settings(file: &ChangedSource) -> Vec<TamperFlag> {
    let (before, after) =
        (flat(file.before.as_ref()).unwrap_or_default(), flat(file.after.as_ref()).unwrap_or_default());
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    let changed_keys = keys.filter(|key| before.get(*key) != after.get(*key));
    let mut flags: Vec<TamperFlag> = changed_keys
        .filter_map(|path| {
            let word = path.rsplit('.').next().unwrap_or_default();
            let (weakens, reason) = match word {
                "runner" => (true, "tests are started by another program"),
                "test" | "t" | "nextest" if path.starts_with(".alias") => (true, "`cargo test` means another command"),
                "default-filter" | "filter" => (true, "which tests are run was changed"),
                "RUSTFLAGS" | "rustflags" | "rustc-wrapper" | "rustc" | "rustdoc" => {
                    (true, "how tests are built was changed")
                }
                "retries" | "terminate-after" | "slow-timeout" | "fail-fast" | "leak-timeout" => {
                    (false, "how failures count was changed")
                }
                _ if path.starts_with(".profile") => (false, "how tests are run was changed"),
                _ => return None,
            };
            Some(runner_changed(file, line_of(file, word), weakens, reason))
        })
        .collect();
    if file.is_opaque {
        flags.push(runner_changed(file, 1, true, "the settings of the build can't be read"));
    }
    flags
}

fn line_of(file: &ChangedSource, word: &str) -> u64 {
    let after = file.after.as_ref();
    let at = after.and_then(|after| file.added().find(|at| after.file.raw[*at].contains(word)));
    at.map_or_else(|| first(file), |at| file.place_of_new(at))
}

/// Line of the first change.
fn first(file: &ChangedSource) -> u64 {
    let removed = file.removed().next().map(|at| file.place_of_old(at));
    file.added().next().map(|at| file.place_of_new(at)).or(removed).unwrap_or(1)
}
