//! A journal in memory.

use std::io;

use crate::journal::{Event, Journal, JournalError};

#[derive(Default)]
pub(super) struct KeptEvents {
    pub(super) events: Vec<Event>,
    /// The journal fails from the first such event on, except for the end.
    pub(super) refuses: Option<fn(&Event) -> bool>,
    is_broken: bool,
}

impl Journal for KeptEvents {
    fn append(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.is_broken |= self.refuses.is_some_and(|refuses| events.iter().any(refuses));
        if self.is_broken {
            let source = io::ErrorKind::StorageFull.into();
            return Err(JournalError::Unwritable { path: "journal.jsonl".into(), source });
        }
        self.events.extend(events);
        Ok(())
    }

    fn conclude(&mut self, events: Vec<Event>) -> Result<(), JournalError> {
        self.events.extend(events);
        Ok(())
    }
}
