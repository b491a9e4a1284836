//! Checks: named commands that a patch has to pass besides the tests, such as a linter or a type checker.

use serde::Deserialize;
use toml::Spanned;

use super::TestCommand;
use crate::journal::RelPath;

/// More checks are a mistake.
const MOST: usize = 20;
/// Bytes.
const LONGEST_NAME: usize = 40;
/// The name of the test run itself, which no check may use.
const TESTS: &str = "tests";

/// A command that has to pass as the tests do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name for people, the model and reports.
    pub name: String,
    /// The command and its folder.
    pub command: TestCommand,
    /// False when a patch may fail it: it runs and is reported all the same.
    pub required: bool,
}

/// One `[[check]]` of a file, not yet validated.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct CheckEntry {
    name: Option<String>,
    #[serde(deserialize_with = "super::test_command::written")]
    command: Option<TestCommand>,
    dir: Option<RelPath>,
    required: Option<bool>,
}

impl CheckEntry {
    fn check(&self) -> Result<Check, String> {
        let Some(name) = self.name.clone().filter(|name| is_name(name)) else {
            return Err(format!("a check needs a name: letters, digits, `.`, `_` and `-`, at most {LONGEST_NAME}"));
        };
        if name == TESTS {
            return Err(format!("no check can be called `{TESTS}`"));
        }
        let Some(command) = self.command.clone() else { return Err(format!("`{name}` needs a command")) };
        Ok(Check { name, command: command.in_dir(self.dir.clone()), required: self.required.unwrap_or(true) })
    }
}

/// The checks of a file, in its order. The error has the message and the span of the faulty entry.
pub(super) fn checks(entries: &[Spanned<CheckEntry>]) -> Result<Vec<Check>, (String, std::ops::Range<usize>)> {
    let mut checks: Vec<Check> = Vec::new();
    for entry in entries {
        let wrong = |problem: String| (problem, entry.span());
        let check = entry.get_ref().check().map_err(wrong)?;
        if checks.iter().any(|known| known.name == check.name) {
            return Err(wrong(format!("there are two called `{}`", check.name)));
        }
        if checks.len() == MOST {
            return Err(wrong(format!("there are more than {MOST}")));
        }
        checks.push(check);
    }
    Ok(checks)
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}
