//! The journal of a replay: it takes what was noted then, and nothing else.

use std::path::Path;
use std::sync::Arc;

use super::script::Script;
use crate::journal::{Event, Journal, JournalError};

/// A journal, and what has to come.
pub struct Watched {
    /// The replay's own.
    pub journal: Box<dyn Journal>,
    /// What was recorded.
    pub script: Arc<Script>,
}

impl Watched {
    /// Refuses what differs, so that the run ends before it is acted upon.
    fn compare(&self, events: &[Event]) -> Result<(), JournalError> {
        self.script
            .meet(events)
            .map_err(|differs| JournalError::refused(Path::new("of the replay"), &format!("{} differs", differs.what)))
    }
}

impl Journal for Watched {
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.compare(&events)?;
        self.journal.append(events)
    }

    fn note(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.compare(&events)?;
        self.journal.note(events)
    }

    /// The end is noted in any case; what differs in it the script knows.
    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        let _ = self.script.meet(&events);
        self.journal.conclude(events)
    }
}
