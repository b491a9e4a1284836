//! How a test command is told to write down single results, beside what it prints.
//!
//! It belongs to a [`TestCommand`](super::TestCommand) as its filter does: the evidence says what to add, the
//! worker fills in the folder and collects what was written. Nothing in it changes which tests run.

use serde::{Deserialize, Serialize};

/// Stands in arguments and variables for the folder that reports of this run go to.
pub const REPORTS: &str = "{reports}";

/// What is added to a test command so that its runner reports each test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporting {
    /// Further arguments, before any filter. A `--` among them goes before the filter's own.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Variables that runners read. Options go before those that the variable holds already, so that the later ones,
    /// which are a person's, win; any other value stays as it is.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Globs, from the folder that the command runs in, of reports that the runner writes anyway.
    #[serde(default)]
    pub written_anyway: Vec<String>,
}

impl Reporting {
    /// The arguments, with `folder` filled in.
    #[must_use]
    pub fn arguments(&self, folder: &str) -> Vec<String> {
        self.arguments.iter().map(|word| word.replace(REPORTS, folder)).collect()
    }

    /// The variables, with `folder` filled in, with what `current` says that they hold already.
    #[must_use]
    pub fn environment(&self, folder: &str, current: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
        let filled = |(name, value): &(String, String)| {
            let ours = value.replace(REPORTS, folder);
            let value = match current(name) {
                Some(theirs) if ours.starts_with('-') => format!("{ours} {theirs}"),
                Some(theirs) => theirs,
                None => ours,
            };
            (name.clone(), value)
        };
        self.environment.iter().map(filled).collect()
    }
}
