//! A recorded run: its journal, its changes, and the contents of changed files.

use std::io;

use crate::journal::{
    Digest, Event, Record, Recovered, RunFolder, RunId, RunStarted, StopReason, TestPurpose, TestsRan, Tokens, recover,
};
use crate::workspace::{Blobs, ChangeSet};

/// A recorded run, from its folder or an exported file.
#[derive(Debug)]
pub struct Recording {
    /// All records of its journal.
    pub records: Vec<Record>,
    /// Its first event.
    pub started: RunStarted,
    /// Its changes at the end.
    pub changes: ChangeSet,
    contents: RecordedContents,
}

#[derive(Debug)]
enum RecordedContents {
    Kept(Blobs),
    Held(Vec<Vec<u8>>),
}

/// Reasons why a run can't be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// It was resumed, so that more than one process took part.
    #[error("it was stopped and resumed, and a replay follows what one process did")]
    Resumed,
    /// Its conversation began in another run.
    #[error("it follows run {0}, and a replay begins with the first message")]
    FollowUp(RunId),
    /// It has no reply.
    #[error("it ended before the model had replied")]
    NoReply,
    /// The reply with this number isn't what was received.
    #[error("reply {0} of the model is not what was received: a secret was taken out of it, or it was edited")]
    Altered(usize),
}

impl NotReplayable {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Resumed => "replay a run that was done in one go",
            Self::FollowUp(_) => "replay the run that it follows; `kcode audit` checks this one's conversation",
            Self::NoReply => "`kcode show` says why it ended",
            Self::Altered(_) => "replay it where it was recorded: `kcode replay RUN`",
        }
    }
}

impl Recording {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// When it can't be read, or holds no run.
    pub fn of_run(folder: &RunFolder) -> io::Result<Self> {
        let Recovered { records, .. } = recover(&folder.journal())?;
        let changes = match folder.changes() {
            path if path.exists() => ChangeSet::load(&path)?,
            _ => ChangeSet::new(Vec::new()),
        };
        Self::new(records, changes, RecordedContents::Kept(Blobs::at(&folder.blobs())))
    }

    /// Builds a recording from the parts of an exported file.
    ///
    /// # Errors
    /// When `records` don't begin with the start of a run.
    pub fn held(records: Vec<Record>, changes: ChangeSet, contents: Vec<Vec<u8>>) -> io::Result<Self> {
        Self::new(records, changes, RecordedContents::Held(contents))
    }

    fn new(records: Vec<Record>, changes: ChangeSet, contents: RecordedContents) -> io::Result<Self> {
        let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the journal holds no run"));
        };
        Ok(Self { started: started.clone(), records, changes, contents })
    }

    /// All events in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.records.iter().map(|record| &record.event)
    }

    /// The limit on output tokens without any reduction by the budget.
    #[must_use]
    pub fn most_completion_tokens(&self) -> Option<Tokens> {
        let sent =
            |event: &Event| if let Event::Request(sent) = event { Some(sent.max_completion_tokens) } else { None };
        self.events().filter_map(sent).max()
    }

    /// Git's id of the start tree, if the journal has it.
    #[must_use]
    pub fn start_tree(&self) -> Option<&str> {
        self.events().find_map(|event| match event {
            Event::StartSeen(seen) => Some(seen.tree.as_str()),
            Event::TestsRan(TestsRan { purpose: TestPurpose::Baseline, tree, .. }) => tree.as_deref(),
            _ => None,
        })
    }

    /// Checks whether the run can be replayed.
    ///
    /// # Errors
    /// The reason why it can't.
    pub fn check(&self) -> Result<(), NotReplayable> {
        if let Some(follows) = &self.started.follows {
            return Err(NotReplayable::FollowUp(follows.run.clone()));
        }
        let (mut replies, mut received) = (0, None);
        for event in self.events() {
            match event {
                Event::Resumed(_) => return Err(NotReplayable::Resumed),
                Event::Reply(reply) => received = Some(reply.message_sha256),
                Event::Message(message) if message.role == "assistant" => {
                    replies += 1;
                    if received.take() != Some(Digest::of(&message.json)) {
                        return Err(NotReplayable::Altered(replies));
                    }
                }
                _ => {}
            }
        }
        if replies == 0 { Err(NotReplayable::NoReply) } else { Ok(()) }
    }

    /// The events to replay, up to the end of the loop. If a person, a clock, a machine or a disk ended the run, the
    /// replay can't end at the same moment; then they end with the last request, which gets no reply.
    #[must_use]
    pub fn played(&self) -> Vec<&Event> {
        let all: Vec<&Event> = self.events().collect();
        let stop = all.iter().position(|event| matches!(event, Event::Stopped(it) if is_its_own(it.reason)));
        let last_request = || all.iter().rposition(|event| matches!(event, Event::Request(_)));
        let end = stop.or_else(last_request).map_or(0, |last| last + 1);
        all[..end].to_vec()
    }

    /// Writes the contents of changed files to `blobs`, where a view finds them.
    ///
    /// # Errors
    /// When one is missing or damaged, or can't be written.
    pub fn lay_out(&self, blobs: &Blobs) -> io::Result<()> {
        for digest in self.contents_needed() {
            blobs.keep(&self.content(digest)?)?;
        }
        Ok(())
    }

    /// Digests of all contents that the changes refer to, without duplicates.
    #[must_use]
    pub fn contents_needed(&self) -> Vec<Digest> {
        let states = self.changes.entries.iter().flat_map(|entry| [entry.before, entry.after]);
        let mut digests: Vec<Digest> = states.flatten().map(|state| state.sha256).collect();
        digests.sort_unstable();
        digests.dedup();
        digests
    }

    /// Reads the content with this digest.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn content(&self, digest: Digest) -> io::Result<Vec<u8>> {
        match &self.contents {
            RecordedContents::Kept(blobs) => blobs.read(digest),
            RecordedContents::Held(contents) => {
                let found = contents.iter().find(|content| Digest::of(content) == digest);
                let missing = || io::Error::new(io::ErrorKind::NotFound, format!("content {digest} was left out"));
                found.cloned().ok_or_else(missing)
            }
        }
    }
}

/// Whether the same replies lead the loop to this end again.
fn is_its_own(reason: StopReason) -> bool {
    match reason {
        StopReason::Finished
        | StopReason::MaxTurns
        | StopReason::MaxTokens
        | StopReason::MaxCost
        | StopReason::ContextFull
        | StopReason::Repetition
        | StopReason::ModelFailed => true,
        StopReason::MaxTime
        | StopReason::TestsCannotRun
        | StopReason::ReasoningLost
        | StopReason::PrefixBroken
        | StopReason::Interrupted
        | StopReason::WorkerFailed
        | StopReason::StorageFailed => false,
    }
}
