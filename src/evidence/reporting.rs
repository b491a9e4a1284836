//! What is added to a test command so that single results can be read.
//!
//! Only what every version of a runner still in use understands, and what leaves the tests that run as they
//! are. What a person wrote in the command goes over it: whoever names a reporter gets that one.

use std::path::Path;

use crate::settings::{FilterStyle, Invocation, Reporting, TestCommand};

/// What to add to `command`, whose repository is at `root`.
#[must_use]
pub fn reporting(command: &TestCommand, _root: &Path) -> Reporting {
    let words = words(command);
    let has = |word: &str| words.iter().any(|known| known == word || known.ends_with(&format!("/{word}")));
    let takes_words = command.filter != FilterStyle::Unsupported && !has("--");
    let says = |part: &str| words.iter().any(|word| word.contains(part));
    if (has("pytest") || has("py.test")) && takes_words && !says("junit") {
        let arguments = ["--junitxml={reports}/pytest.xml", "-o", "junit_family=xunit1"].map(str::to_owned).into();
        return Reporting { arguments, ..Reporting::default() };
    }
    Reporting::default()
}

/// The words of the command that would be given a filter.
fn words(command: &TestCommand) -> Vec<String> {
    match &command.invocation {
        Invocation::Argv(words) => words.clone(),
        Invocation::Shell(line) => {
            let last = line.trim_end().rsplit(['&', ';', '|', '\n']).next().unwrap_or_default();
            shlex::split(last).unwrap_or_default()
        }
    }
}
