//! The conversation that a follow-up task goes on with: every event of the runs before, kept in the new run's own folder, so
//! that it stands when they are gone.

use std::io;

use super::failure::Failure;
use super::unanswered::{self, messages};
use crate::context;
use crate::journal::{
    Digest, Event, Follows, RUN_FILE_LIMIT, Record, RecoverError, Recovered, RunFolder, RunStarted, read_own,
    recover_chain,
};
use crate::model::{Conversation, ModelError};
use crate::tools;

/// What a follow-up takes over from the runs before it.
pub(crate) struct Inherited {
    pub follows: Follows,
    bytes: Vec<u8>,
    /// All their journal records, oldest first.
    pub records: Vec<Record>,
}

impl Inherited {
    /// Takes over what the run in `folder` inherited and what is `recovered` of it. `told` is what the model is told of that
    /// run's changes.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn of(folder: &RunFolder, recovered: &Recovered, told: String) -> Result<Self, RecoverError> {
        let mut bytes = match read_own(&folder.inherited(), RUN_FILE_LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let journal = read_own(&folder.journal(), RUN_FILE_LIMIT)?;
        bytes.extend(journal.get(..recovered.good_bytes as usize).unwrap_or(&journal));
        let follows = Follows { run: folder.id().clone(), inherited_sha256: Digest::of(&bytes), told };
        Ok(Self { follows, records: recover_chain(&bytes)?, bytes })
    }

    /// What the run in `folder` inherited, as it told when it began.
    ///
    /// # Errors
    /// When it can't be read, or is no longer what it was.
    pub(crate) fn reopen(folder: &RunFolder, follows: &Follows) -> Result<Self, RecoverError> {
        let bytes = read_own(&folder.inherited(), RUN_FILE_LIMIT)?;
        if Digest::of(&bytes) != follows.inherited_sha256 {
            let why = format!("{} is no longer what run {} began with", folder.inherited().display(), folder.id());
            return Err(RecoverError::Damaged { line: 1, why });
        }
        Ok(Self { follows: follows.clone(), records: recover_chain(&bytes)?, bytes })
    }

    /// Keeps it in the folder of the new run.
    ///
    /// # Errors
    /// When that can't be written.
    pub(crate) fn keep(&self, folder: &RunFolder) -> Result<(), Failure> {
        super::out_file::replace(&folder.inherited(), &self.bytes)
    }

    /// Events of the earlier runs, oldest first.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.records.iter().map(|record| &record.event)
    }

    pub(crate) fn begun(&self) -> impl Iterator<Item = &RunStarted> {
        self.events().filter_map(|event| if let Event::RunStarted(started) = event { Some(started) } else { None })
    }

    /// The conversation so far, with a further task. The events are what joined it.
    ///
    /// # Errors
    /// When what was received is not what is kept.
    pub(crate) fn conversation(
        &self,
        model: &str,
        cache_key: &str,
        task: &str,
    ) -> Result<(Conversation, Vec<Event>), ModelError> {
        let mut conversation = Conversation::restore(model, Some(cache_key), tools::schemas(), self.events())?;
        let mut added = unanswered::answer(&mut conversation, messages(self.events()));
        added.push(Event::Message(conversation.push_user(&context::follow_up(&self.follows.told, task))));
        Ok((conversation, added))
    }
}
