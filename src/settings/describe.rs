//! The rows of `kcode config`: every value and who set it. Keys only as set or not set.

use serde::Serialize;

use super::amounts::Amount;
use super::{Setting, Settings};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingRow {
    /// As in the files, where they can contain it.
    pub name: &'static str,
    /// The value as text for people.
    pub value: String,
    /// The layer that set it, such as a file, `$VARIABLE` or a flag.
    pub origin: String,
}

/// All settings, in the order of the files.
#[must_use]
pub fn describe(settings: &Settings) -> Vec<SettingRow> {
    let s = settings;
    let key = s.key.as_ref().map_or_else(
        || SettingRow { name: "api_key", value: "not set".into(), origin: "environment only".into() },
        |key| SettingRow { name: "api_key", value: "set".into(), origin: format!("${}", key.variable) },
    );
    let mut test = row("test.command", &s.test);
    if s.test.value.is_none() {
        test.value = "detected in the repository".into();
    }
    let mut price = row("price", &s.price);
    if s.price.value.is_none() {
        price.value = "built-in list".into();
    }
    let mut rows = vec![
        row("model", &s.model),
        row("base_url", &s.base_url),
        key,
        row("sandbox", &s.sandbox),
        row("state_dir", &s.state_dir),
        row("dependencies", &s.dependencies),
        row("readable", &s.readable),
        row("caches", &s.caches),
        row("child_env", &s.child_env),
        row("secrets.readable", &s.readable_secrets),
        row("limits.max_turns", &s.max_turns),
        row("limits.max_tokens", &s.max_tokens),
        row("limits.max_cost_usd", &s.max_cost),
        row("limits.max_time", &s.max_time),
        row("limits.max_completion_tokens", &s.max_completion_tokens),
        row("limits.max_retries", &s.max_retries),
        row("limits.max_silence", &s.max_silence),
        test,
        row("test.deadline", &s.test_deadline),
        row("test.idle", &s.test_idle),
        row("test.writes", &s.writes),
        row("verify", &s.verify),
        row("test.baseline", &s.baseline),
        row("check", &s.checks),
        row("keep.runs", &s.keep.runs),
        row("keep.age", &s.keep.age),
        row("keep.size", &s.keep.size),
        row("policy.enabled", &s.policy.enabled),
    ];
    rows.extend(s.policy.classes().map(|(key, verdict)| row(key, verdict)));
    rows.extend([
        row("policy.max_files", &s.policy.max_files),
        row("policy.max_bytes", &s.policy.max_bytes),
        row("policy.paths", &s.policy.paths),
        price,
        row("ci.actors", &s.ci.actors),
        row("ci.on", &s.ci.on),
        row("ci.label", &s.ci.label),
        row("ci.command", &s.ci.command),
        row("ci.input", &s.ci.input),
        row("ci.forks", &s.ci.forks),
        row("ci.publisher", &s.ci.publisher),
        row("ci.max_text", &s.ci.max_text),
    ]);
    rows
}

/// The rows as lines in aligned columns.
#[must_use]
pub fn table(rows: &[SettingRow]) -> String {
    let width = |column: fn(&SettingRow) -> &str| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let (names, values) = (width(|row| row.name), width(|row| &row.value));
    let lines = rows.iter().map(|row| format!("{:names$}  {:values$}  {}", row.name, row.value, row.origin));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn row<T: Amount>(name: &'static str, setting: &Setting<T>) -> SettingRow {
    SettingRow { name, value: setting.value.shown(), origin: setting.origin.to_string() }
}
