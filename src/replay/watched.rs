//! The journal of a replay: it takes what was noted then, and nothing else.

use std::path::Path;

use super::Script;
use crate::journal::{Event, Journal, JournalError};

/// A journal, and what has to come.
pub struct Watched<'a> {
    /// The replay's own.
    pub journal: &'a mut dyn Journal,
    /// What was recorded.
    pub script: &'a Script,
}

impl Journal for Watched<'_> {
    /// Refuses what differs, so that the loop ends before it is acted upon.
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.script.meet(&events).map_err(|differs| {
            JournalError::refused(Path::new("of the replay"), &format!("{} differs", differs.what))
        })?;
        self.journal.append(events)
    }

    /// The end is noted in any case; what differs in it the script knows.
    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        let _ = self.script.meet(&events);
        self.journal.conclude(events)
    }
}
