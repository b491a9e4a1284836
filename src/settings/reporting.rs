//! How a test command is made to write individual results, besides what it prints.
//!
//! Belongs to a [`TestCommand`](super::TestCommand) as its filter does: `testing` decides what to add, the worker fills
//! in the folder and collects the reports. Nothing here changes which tests run.

use serde::{Deserialize, Serialize};

/// Placeholder in arguments and variables for the folder of this run's reports.
pub const REPORTS: &str = "{reports}";

/// What is added to a test command so that its runner reports each test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporting {
    /// Further arguments, before any filter. A `--` among them precedes the filter's own.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment variables for the runner. Options are put before those that the variable has already, so that the
    /// user's, which come later, win; any other existing value stays as it is.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Globs, relative to the command's folder, of reports that the runner writes anyway.
    #[serde(default)]
    pub written_anyway: Vec<String>,
}

impl Reporting {
    /// The arguments, with `folder` filled in.
    #[must_use]
    pub fn arguments(&self, folder: &str) -> Vec<String> {
        self.arguments.iter().map(|word| word.replace(REPORTS, folder)).collect()
    }

    /// The variables, with `folder` filled in; `current` returns a variable's existing value.
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
