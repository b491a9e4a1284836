//! A run as it was recorded: its journal, what it changed, and the contents of that.

use std::io;

use crate::journal::{
    Digest, Event, Record, Recovered, RunFolder, RunId, RunStarted, StopReason, TestPurpose, TestsRan, Tokens, recover,
};
use crate::workspace::{Blobs, ChangeSet};

/// A recorded run.
#[derive(Debug)]
pub struct Recording {
    /// Its journal.
    pub records: Vec<Record>,
    /// How it began.
    pub started: RunStarted,
    /// What it had changed in the end.
    pub changes: ChangeSet,
    contents: RecordedContents,
}

/// Where contents of changed files are.
#[derive(Debug)]
enum RecordedContents {
    Kept(Blobs),
    Held(Vec<Vec<u8>>),
}

/// Why a run can't be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// More than one process.
    #[error("it was stopped and resumed, and a replay follows what one process did")]
    Resumed,
    /// Its conversation began in another run.
    #[error("it follows run {0}, and a replay begins with the first message")]
    FollowUp(RunId),
    /// Nothing to play.
    #[error("it ended before the model had replied")]
    NoReply,
    /// The reply with this number isn't what was received.
    #[error("reply {0} of the model is not what was received: a secret was taken out of it, or it was edited")]
    Altered(usize),
}

impl NotReplayable {
    /// What to do about it.
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

    /// Of what a file holds.
    ///
    /// # Errors
    /// When `records` are those of no run.
    pub fn held(records: Vec<Record>, changes: ChangeSet, contents: Vec<Vec<u8>>) -> io::Result<Self> {
        Self::new(records, changes, RecordedContents::Held(contents))
    }

    fn new(records: Vec<Record>, changes: ChangeSet, contents: RecordedContents) -> io::Result<Self> {
        let Some(Event::RunStarted(started)) = records.first().map(|record| &record.event) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the journal holds no run"));
        };
        Ok(Self { started: started.clone(), records, changes, contents })
    }

    /// Every event.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.records.iter().map(|record| &record.event)
    }

    /// The cap on output that nothing clamped.
    #[must_use]
    pub fn most_completion_tokens(&self) -> Option<Tokens> {
        let sent =
            |event: &Event| if let Event::Request(sent) = event { Some(sent.max_completion_tokens) } else { None };
        self.events().filter_map(sent).max()
    }

    /// Git's id of the tree that the run started from, where its journal knows it.
    #[must_use]
    pub fn start_tree(&self) -> Option<&str> {
        self.events().find_map(|event| match event {
            Event::StartSeen(seen) => Some(seen.tree.as_str()),
            Event::TestsRan(TestsRan { purpose: TestPurpose::Baseline, tree, .. }) => tree.as_deref(),
            _ => None,
        })
    }

    /// Whether it can be replayed.
    ///
    /// # Errors
    /// Why not.
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

    /// The events that a replay goes through: up to the end of the loop. When a person, a clock, a machine or a disk ended it,
    /// nothing would end the replay in the very same moment; then they go up to the last request, which gets no reply.
    #[must_use]
    pub fn played(&self) -> Vec<&Event> {
        let all: Vec<&Event> = self.events().collect();
        let stop = all.iter().position(|event| matches!(event, Event::Stopped(it) if is_its_own(it.reason)));
        let last_request = || all.iter().rposition(|event| matches!(event, Event::Request(_)));
        let end = stop.or_else(last_request).map_or(0, |last| last + 1);
        all[..end].to_vec()
    }

    /// Puts the contents of what it changed where a view finds them.
    ///
    /// # Errors
    /// When one is missing or damaged, or can't be written.
    pub fn lay_out(&self, blobs: &Blobs) -> io::Result<()> {
        for digest in self.contents_needed() {
            blobs.keep(&self.content(digest)?)?;
        }
        Ok(())
    }

    /// Every content that the changes speak of, once.
    #[must_use]
    pub fn contents_needed(&self) -> Vec<Digest> {
        let states = self.changes.entries.iter().flat_map(|entry| [entry.before, entry.after]);
        let mut digests: Vec<Digest> = states.flatten().map(|state| state.sha256).collect();
        digests.sort_unstable();
        digests.dedup();
        digests
    }

    /// The content with this hash.
    ///
    /// # Errors
    /// When it isn't there or is damaged.
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

/// Whether the loop comes to this end again when the same replies come.
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
