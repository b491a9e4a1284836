//! A run that stopped before its end, taken up again: the same conversation byte for byte, the same changes in a new view.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::applying::renew_report;
use super::failure::Failure;
use super::readable::noted;
use super::unanswered::{self, messages};
use crate::journal::{
    Event, FileChange, Message, Outcome, PatchWritten, RUN_FILE_LIMIT, Record, Recovered, Resumed, RunFolder,
    RunStarted, read_own, recover,
};
use crate::model::{Conversation, ModelError};
use crate::tools;
use crate::workspace::{Blobs, ChangeSet, Patch, Repository, still_applies, write_patch};

/// What the model is told when its turn had already ended.
const GO_ON: &str =
    "kcode was stopped and goes on now. Files outside your changes may differ from what you read. Go on.";

/// A stopped run as its folder describes it.
pub(crate) struct ResumedRun {
    pub folder: RunFolder,
    pub recovered: Recovered,
    pub started: RunStarted,
    pub repository: Repository,
    /// Changes up to the last recorded patch.
    pub changes: ChangeSet,
    patch: Patch,
    /// Files are written before anybody notes that they were: the changes may be ahead of the journal.
    unnoted: Option<Event>,
}

impl ResumedRun {
    /// Reads what is kept of the run in `folder`, to go on with it. What goes wrong beside is told with `say`.
    ///
    /// # Errors
    /// When it can't be read, came to its end, or was made by another version (whose bytes would differ).
    pub(crate) fn open(folder: RunFolder, say: fn(&str)) -> Result<Self, Failure> {
        let recovered = recover(&folder.journal())?;
        let Some(Event::RunStarted(started)) = recovered.records.first().map(|record| &record.event) else {
            let message = format!("run {} was ended before it had begun", folder.id());
            return Err(Failure::usage(message, "start a new run with: kcode fix \"task\""));
        };
        let mut started = started.clone();
        let later = recovered.records.iter().rev().find_map(|record| match &record.event {
            Event::Resumed(Resumed { writes: Some(writes), repository_writes, .. }) => {
                Some((writes, repository_writes))
            }
            _ => None,
        });
        if let Some((writes, of_repository)) = later {
            (started.writes, started.repository_writes) = (Some(writes.clone()), of_repository.clone());
        }
        started.readable = noted(recovered.records.iter().map(|record| &record.event));
        if let Some(outcome) = last_outcome(&recovered.records).filter(|outcome| !outcome.is_resumable()) {
            // It may have been killed before it could write that down.
            if !folder.report_json().exists() {
                renew_report(&folder, say);
            }
            let message = format!("run {} came to its end: {}", folder.id(), outcome.words());
            let hint = format!("give it a further task: kcode fix --resume {} \"task\"", folder.id());
            return Err(Failure::usage(message, hint));
        }
        if is_applied(&recovered.records) {
            let hint = format!("take it back with: kcode undo {}", folder.id());
            return Err(Failure::new(Outcome::Refused, format!("run {} was applied already", folder.id()), hint));
        }
        is_of_this_version(&started)?;
        let changes = changes_of(&folder)?;
        let repository = Repository::open(Path::new(&started.repository))?.seen_from(started.focus.clone());
        still_applies(repository.root(), &changes)?;
        let patch = Patch::of(&changes, &Blobs::at(&folder.blobs()), &repository)?;
        let unnoted = unnoted(&recovered.records, &patch);
        Ok(Self { folder, recovered, started, repository, changes, patch, unnoted })
    }

    /// Brings the patch file to where the changes are; the event is one that was never noted.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn catch_up(&self) -> Result<Option<Event>, Failure> {
        let file = self.folder.patch();
        if read_own(&file, RUN_FILE_LIMIT).unwrap_or_default() != self.patch.bytes {
            write_patch(&file, &self.patch)?;
        }
        Ok(self.unnoted.clone())
    }

    /// Whether the conversation had been opened; nothing can have been sent before.
    pub(crate) fn was_opened(&self) -> bool {
        self.messages().any(|message| message.role == "user")
    }

    /// The `events` that open the conversation without the messages that are kept already.
    pub(crate) fn without_kept(&self, mut events: Vec<Event>) -> Vec<Event> {
        let mut kept = self.messages().count();
        events.retain(|event| {
            let is_kept = kept > 0 && matches!(event, Event::Message(_));
            kept -= usize::from(is_kept);
            !is_kept
        });
        events
    }

    /// How long the run has taken so far, as its journal tells.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_millis(self.recovered.records.last().map_or(0, |record| record.elapsed_ms))
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> + Clone {
        self.recovered.records.iter().map(|record| &record.event).chain(&self.unnoted)
    }

    /// The conversation as it was, made ready for the next request: each call has its one answer. `earlier` are the events of
    /// runs that this one follows.
    ///
    /// # Errors
    /// When what was received is not what is kept.
    pub(crate) fn conversation<'a>(
        &'a self,
        earlier: impl Iterator<Item = &'a Event> + Clone,
    ) -> Result<(Conversation, Vec<Event>), ModelError> {
        let (model, key) = (&self.started.model, &self.started.cache_key);
        let events = earlier.chain(self.events());
        let mut conversation = Conversation::restore(model, Some(key), tools::schemas(), events.clone())?;
        let mut added = unanswered::answer(&mut conversation, messages(events));
        if added.is_empty() && self.messages().last().is_some_and(|message| message.role == "assistant") {
            added.push(Event::Message(conversation.push_user(GO_ON)));
        }
        Ok((conversation, added))
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        messages(self.events())
    }

    pub(crate) fn files(&self) -> &[FileChange] {
        &self.patch.files
    }
}

/// Fails if another version of kcode made the run, because its requests would differ.
pub(super) fn is_of_this_version(started: &RunStarted) -> Result<(), Failure> {
    if started.version == env!("CARGO_PKG_VERSION") {
        return Ok(());
    }
    let message = format!("run {} was made by kcode {}, whose requests differ", started.run, started.version);
    Err(Failure::usage(message, "resume it with that version, or start a new run"))
}

/// How far the changes of the run in `folder` had come.
pub(super) fn changes_of(folder: &RunFolder) -> Result<ChangeSet, Failure> {
    let path = folder.changes();
    if !path.exists() {
        return Ok(ChangeSet::new(Vec::new()));
    }
    Ok(ChangeSet::load(&path).with_context(|| format!("{} can't be read", path.display()))?)
}

fn is_applied(records: &[Record]) -> bool {
    let told = records.iter().rev().find_map(|record| match &record.event {
        Event::Applied(_) => Some(true),
        Event::Undone(_) => Some(false),
        _ => None,
    });
    told.unwrap_or(false)
}

/// The event that tells of `patch`, unless the last one does.
fn unnoted(records: &[Record], patch: &Patch) -> Option<Event> {
    let noted = records.iter().rev().find_map(|record| match &record.event {
        Event::PatchWritten(written) => Some(written),
        _ => None,
    });
    let (sha256, files) = (patch.sha256, patch.files.clone());
    let is_news = noted.and_then(|noted| noted.sha256) != sha256;
    let noted = noted.cloned().unwrap_or_default();
    is_news.then_some(Event::PatchWritten(PatchWritten { sha256, files, ..noted }))
}

/// The outcome that the run noted last, unless it went on after that.
pub(super) fn last_outcome(records: &[Record]) -> Option<Outcome> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::RunEnded(ended) => Some(Some(ended.outcome)),
        Event::Resumed(_) => Some(None),
        _ => None,
    })?
}
