//! Changes of the run before that aren't in the user's tree yet: a follow-up task starts with them, and its patch holds them.

use std::io;

use super::failure::Failure;
use crate::journal::{Event, FileChange, PatchWritten, RunFolder};
use crate::workspace::{Blobs, ChangeSet, Patch, Repository, write_patch};

/// Changes of a stopped run, not yet in a view.
pub(crate) struct PendingChanges {
    pub changes: ChangeSet,
    patch: Patch,
    from: Blobs,
    pub event: Option<Event>,
}

impl PendingChanges {
    /// Those of `changes`, of the run in `folder`.
    ///
    /// # Errors
    /// When a content of them can't be read.
    pub(crate) fn of(changes: ChangeSet, folder: &RunFolder, repository: &Repository) -> Result<Self, Failure> {
        let from = Blobs::at(&folder.blobs());
        let patch = Patch::of(&changes, &from, repository)?;
        let (sha256, files) = (patch.sha256, patch.files.clone());
        let event =
            sha256.is_some().then_some(Event::PatchWritten(PatchWritten { sha256, files, ..PatchWritten::default() }));
        Ok(Self { changes, patch, from, event })
    }

    pub(crate) fn files(&self) -> &[FileChange] {
        &self.patch.files
    }

    /// Makes them the new run's own.
    ///
    /// # Errors
    /// When they can't be read or written.
    pub(crate) fn keep(&self, folder: &RunFolder) -> Result<(), Failure> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let into = Blobs::at(&folder.blobs());
        let states = self.changes.entries.iter().flat_map(|entry| [entry.before, entry.after]).flatten();
        let copied: io::Result<()> = states.into_iter().try_for_each(|state| {
            let content = self.from.read(state.sha256)?;
            into.keep(&content).map(drop)
        });
        copied.and_then(|()| self.changes.save(&folder.changes())).map_err(anyhow::Error::from)?;
        write_patch(&folder.patch(), &self.patch)?;
        Ok(())
    }
}
