//! Parses a settings file: TOML, with every key checked before any value is used.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{self, Check};
use super::ci::CiTable;
use super::policy::PolicyTable;
use super::{BaseUrl, CustomPrice, Sandbox, SettingsError, TestCommand, keys, written};
use crate::journal::{Bytes, RelPath, Tokens, Usd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    User,
    /// The repository's file, written by others.
    Repository,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct FileLayer {
    pub model: Option<String>,
    #[serde(deserialize_with = "written::text")]
    pub base_url: Option<BaseUrl>,
    pub state_dir: Option<PathBuf>,
    pub readable: Option<Vec<PathBuf>>,
    pub caches: Option<Vec<PathBuf>>,
    pub child_env: Option<Vec<String>>,
    #[serde(deserialize_with = "written::text")]
    pub sandbox: Option<Sandbox>,
    pub dependencies: Option<Vec<RelPath>>,
    pub limits: LimitsTable,
    pub test: TestTable,
    check: Option<Vec<Spanned<check::CheckEntry>>>,
    /// The validated `check` entries.
    #[serde(skip)]
    pub checks: Option<Vec<Check>>,
    pub secrets: Secrets,
    pub keep: KeepTable,
    pub policy: PolicyTable,
    pub price: Option<CustomPrice>,
    pub ci: CiTable,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
#[expect(clippy::struct_field_names, reason = "the names are those of the file's keys")]
pub(super) struct LimitsTable {
    pub max_turns: Option<u32>,
    pub max_tokens: Option<Tokens>,
    pub max_cost_usd: Option<Usd>,
    #[serde(deserialize_with = "written::duration")]
    pub max_time: Option<Duration>,
    pub max_completion_tokens: Option<Tokens>,
    pub max_retries: Option<u32>,
    #[serde(deserialize_with = "written::duration")]
    pub max_silence: Option<Duration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct TestTable {
    #[serde(deserialize_with = "super::test_command::written")]
    command: Option<TestCommand>,
    dir: Option<RelPath>,
    #[serde(deserialize_with = "written::duration")]
    pub deadline: Option<Duration>,
    #[serde(deserialize_with = "written::duration")]
    pub idle: Option<Duration>,
    pub writes: Option<Vec<String>>,
    pub baseline: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct Secrets {
    pub readable: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct KeepTable {
    pub runs: Option<u32>,
    #[serde(deserialize_with = "written::duration")]
    pub age: Option<Duration>,
    #[serde(deserialize_with = "written::bytes")]
    pub size: Option<Bytes>,
}

impl TestTable {
    /// The command, with the folder that the same file names.
    pub(super) fn command(&self) -> Option<TestCommand> {
        self.command.clone().map(|command| command.in_dir(self.dir.clone()))
    }
}

/// Parses a file's text. `name` is what messages call it.
pub(super) fn parse(text: &str, name: &str, owner: Owner) -> Result<FileLayer, SettingsError> {
    let file = SettingsText { text, name };
    let root = DeTable::parse(text).map_err(|error| file.bad(error.span(), error.message(), None))?;
    let mut values = Vec::new();
    file.check_table("", root.get_ref(), owner, &mut values)?;
    let mut layer: FileLayer = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let key = values.iter().find(|(_, span)| span.contains(&at)).and_then(|(name, _)| keys::find(name));
        file.bad(error.span(), error.message(), key)
    })?;
    if layer.test.dir.is_some() && layer.test.command.is_none() {
        let span = values.iter().find(|(name, _)| name == "test.dir").map(|(_, span)| span.clone());
        return Err(file.bad(span, "it needs `test.command` as well", keys::find("test.dir")));
    }
    let checks = layer.check.as_deref().map(check::checks).transpose();
    layer.checks = checks.map_err(|(problem, span)| file.bad(Some(span), &problem, keys::find("check.command")))?;
    Ok(layer)
}

/// Reads only `state_dir`, which is above all tables, from a file that can't be used otherwise. `None` when it isn't
/// set.
///
/// # Errors
/// When its line can't be parsed.
pub(super) fn state_dir_alone(text: &str) -> Result<Option<PathBuf>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Alone {
        state_dir: PathBuf,
    }
    let above = text.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    let Some(line) = above.into_iter().find(|line| line.trim_matches(['"', '\'']).starts_with("state_dir")) else {
        return Ok(None);
    };
    toml::from_str::<Alone>(line).map(|alone| Some(alone.state_dir))
}

struct SettingsText<'a> {
    text: &'a str,
    name: &'a str,
}

impl SettingsText<'_> {
    /// Checks that every key is known and allowed in this file; collects the span of each value.
    fn check_table(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        owner: Owner,
        values: &mut Vec<(String, Range<usize>)>,
    ) -> Result<(), SettingsError> {
        for (key, value) in table {
            // A quoted key may contain anything; escape what a terminal would interpret.
            let name = format!("{prefix}{}", key.get_ref().escape_debug());
            match value.get_ref() {
                DeValue::Table(inner) if keys::is_table(&name) => {
                    self.check_table(&format!("{name}."), inner, owner, values)?;
                }
                DeValue::Array(tables) if keys::is_table(&name) => {
                    for table in tables {
                        values.push((name.clone(), table.span()));
                        if let DeValue::Table(inner) = table.get_ref() {
                            self.check_table(&format!("{name}."), inner, owner, values)?;
                        }
                    }
                }
                _ => {
                    self.check_key(&name, key, owner)?;
                    values.push((name, value.span()));
                }
            }
        }
        Ok(())
    }

    fn check_key(&self, name: &str, key: &Spanned<toml::de::DeString<'_>>, owner: Owner) -> Result<(), SettingsError> {
        let (file, line) = (self.name.to_owned(), self.line(key.span().start));
        match keys::find(name) {
            Some(known) => match known.not_for_repositories {
                Some(why) if owner == Owner::Repository => {
                    Err(SettingsError::NotForRepositories { line, key: known.name, why })
                }
                _ => Ok(()),
            },
            // `limits = 3`: serde reports that a table was expected.
            None if keys::is_table(name) => Ok(()),
            None if looks_like_key(name) => Err(SettingsError::KeyInFile { file, line, key: name.to_owned() }),
            None => Err(SettingsError::UnknownKey { file, line, key: name.to_owned(), nearest: keys::nearest(name) }),
        }
    }

    fn bad(&self, span: Option<Range<usize>>, problem: &str, key: Option<&keys::SettingKey>) -> SettingsError {
        let hint = key.map_or_else(
            || "settings files are TOML: `key = value` lines, tables as [limits], lists of them as [[check]]; see `kcode config`".to_owned(),
            |key| format!("write it as: {}", key.example),
        );
        let problem = key.map_or_else(|| problem.to_owned(), |key| format!("`{}`: {problem}", key.name));
        SettingsError::BadFile {
            file: self.name.to_owned(),
            line: self.line(span.map_or(0, |span| span.start)),
            problem: in_plain_words(&problem),
            hint,
        }
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// The parser's message in one line, without names of Rust types.
fn in_plain_words(message: &str) -> String {
    let line = message.lines().collect::<Vec<_>>().join(", ");
    line.replace("expected u32", "expected a whole number")
        .replace("expected u64", "expected a whole number")
        .replace("expected f64", "expected a number")
}

fn looks_like_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let leaf = name.rsplit('.').next().unwrap_or_default();
    leaf == "auth" || ["key", "token", "secret", "password"].iter().any(|word| leaf.ends_with(word))
}
