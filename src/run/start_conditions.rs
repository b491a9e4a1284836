//! What a run goes by that a person doesn't ask for. A replay takes it from its recording.

use super::chosen_tests::ChosenTests;
use super::options::RunOptions;
use crate::journal::TEST_RULES;
use crate::settings::{Settings, Writes};
use crate::workspace::ChangeSet;

/// What a run goes by that a person doesn't ask for.
pub(crate) struct StartConditions {
    /// Changes that stand in the tree already, and that the run is to begin without.
    pub applied: ChangeSet,
    /// The tests and checks; `None`: they are chosen by settings and by what the tree holds.
    pub tests: Option<ChosenTests>,
    /// What of the files that commands write is part of the patch; `None`: all of them, as in older runs.
    pub writes: Option<Writes>,
    /// See [`TEST_RULES`].
    pub test_rules: u32,
    /// The model's run of the tests before any edit may count as one on the start state.
    pub counts_own_runs: bool,
    /// By which the provider finds the conversation's prefix again; `None`: the conversation's own.
    pub cache_key: Option<String>,
    /// Base URL of the provider's API, for the journal.
    pub base_url: String,
}

impl StartConditions {
    /// Those of a run with these settings.
    pub(crate) fn of(settings: &Settings, options: &RunOptions) -> Self {
        let writes = Writes::of_both(&settings.writes.value, &settings.repository_writes);
        Self {
            applied: ChangeSet::new(Vec::new()),
            tests: None,
            writes: Some(writes.with_asked(&options.include_generated)),
            test_rules: TEST_RULES,
            counts_own_runs: true,
            cache_key: None,
            base_url: settings.base_url.value.to_string(),
        }
    }
}
