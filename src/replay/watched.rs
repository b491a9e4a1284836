//! The journal of a replay: it accepts only the recorded events.

use std::path::Path;
use std::sync::Arc;

use super::script::Script;
use crate::journal::{Event, Journal, JournalError};

/// A journal that compares events with a script.
pub struct Watched {
    /// The journal of the replay.
    pub journal: Box<dyn Journal>,
    /// The recorded run.
    pub script: Arc<Script>,
}

impl Watched {
    /// Refuses events that differ, so that the run ends before anything acts on them.
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

    /// The end is recorded in any case; the script keeps a difference in it.
    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        let _ = self.script.meet(&events);
        self.journal.conclude(events)
    }
}
