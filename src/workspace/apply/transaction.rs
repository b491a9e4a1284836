//! Writes to the user's tree, one process at a time, with each step recorded on disk before it is made.
//!
//! 1. The tree is locked and checked, everything is planned, old contents are stored, and the plan is saved as an
//!    intent.
//! 2. The files are written.
//! 3. The caller appends the event to the run's journal: from then on the operation counts as done.
//! 4. [`Transaction::keep`] cleans up and removes the intent.
//!
//! When a process dies before step 3, [`settle`](super::settle()) takes its intent back; after step 3 it finishes it.

use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::intent::Intent;
use super::plan::Plan;
use super::{ApplyError, Doing, check};
use crate::journal::{RelPath, RunFolder, crash};
use crate::workspace::{Blobs, ChangeSet, GitRecording, RecordError, Wanted, file_state};

/// A tree that has been written, but can still be taken back.
#[derive(Debug)]
#[must_use]
pub struct Transaction {
    tree: Dir,
    run: RunFolder,
    intent: Intent,
    /// Held until the end.
    _lock: Option<File>,
}

impl Transaction {
    /// Writes `changes` of `run` to the tree at `root`.
    ///
    /// # Errors
    /// When a touched file isn't what `changes` expects, and when something can't be read or written.
    pub fn apply(run: &RunFolder, root: &Path, changes: &ChangeSet) -> Result<Self, ApplyError> {
        Self::recorded(run, root, changes, None)
    }

    /// As [`Transaction::apply`], and prepares what git records: the original patch, while `changes` may have been
    /// merged with the tree.
    ///
    /// # Errors
    /// As [`Transaction::apply`], and when git can't do what is wanted.
    pub fn recorded(
        run: &RunFolder,
        root: &Path,
        changes: &ChangeSet,
        wanted: Option<(&Wanted, &ChangeSet)>,
    ) -> Result<Self, ApplyError> {
        Self::carry_out(run, root, Doing::Apply, |tree| {
            check(tree, changes, Doing::Apply)?;
            let mut intent = Intent::new(run.id(), Doing::Apply, root, Plan::of(tree, changes));
            let prepare = |(wanted, patch)| GitRecording::prepare(root, run, patch, wanted);
            intent.recording = wanted.map(prepare).transpose()?;
            Ok(intent)
        })
    }

    /// Restores what the tree at `root` had before `run` was applied.
    ///
    /// # Errors
    /// When a touched file is no longer what was applied, and when something can't be read or written.
    pub fn undo(run: &RunFolder, root: &Path) -> Result<Self, ApplyError> {
        let doing = Doing::Undo;
        Self::carry_out(run, root, doing, |tree| {
            let record = run.applied();
            let applied = Intent::load(&record).map_err(|source| ApplyError::Forgotten { path: record, source })?;
            check(tree, &applied.plan.changes().reversed(), doing)?;
            let mut intent = Intent::new(run.id(), doing, root, applied.plan.reversed(tree));
            let patch = applied.recording.and_then(|staged| Some((staged, ChangeSet::load(&run.changes()).ok()?)));
            intent.recording = patch.and_then(|(staged, patch)| staged.reversed(run, &patch));
            Ok(intent)
        })
    }

    fn carry_out(
        run: &RunFolder,
        root: &Path,
        doing: Doing,
        decide: impl FnOnce(&Dir) -> Result<Intent, ApplyError>,
    ) -> Result<Self, ApplyError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ApplyError::Write { path, source, doing }
        };
        let tree = Dir::open_ambient_dir(root, ambient_authority()).map_err(failed(root))?;
        let lock = lock(root);
        if run.unfinished().exists() {
            return Err(ApplyError::Unfinished);
        }
        let blobs = Blobs::at(&run.blobs());
        let intent = decide(&tree)?;
        secure(&tree, &intent.plan, &blobs, doing)?;
        crash::point("planned");
        intent.save(run).map_err(failed(&run.unfinished()))?;
        crash::point("intent kept");
        let locked = intent.recording.as_ref().map_or(Ok(()), GitRecording::lock);
        let written = locked.map_err(ApplyError::from).and_then(|()| intent.plan.write(&tree, &blobs, doing));
        if !matches!(written, Ok(()) | Err(ApplyError::HalfWay { .. })) {
            drop(intent.forget(run));
        }
        written?;
        crash::point("written");
        Ok(Self { tree, run: run.clone(), intent, _lock: lock })
    }

    /// Number of files written.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.intent.plan.files.len() as u64
    }

    /// Files that had other names (hard links). The other names keep the old content: they may be outside of the tree,
    /// where nothing may change.
    #[must_use]
    pub fn severed(&self) -> Vec<RelPath> {
        let linked = self.intent.plan.files.iter().filter(|file| file.has_other_names);
        linked.map(|file| file.change.path.clone()).collect()
    }

    /// True when git records the patch as well.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.intent.recording.is_some()
    }

    /// Hash of the prepared commit, if one was wanted.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.intent.recording.as_ref().and_then(GitRecording::commit)
    }

    /// Makes the operation final after its event is in the journal: only an undo takes it back. Updates git.
    ///
    /// # Errors
    /// When git refuses. The files are written all the same.
    pub fn keep(self) -> Result<(), RecordError> {
        crash::point("noted");
        let told = self.intent.recording.as_ref().map_or(Ok(()), GitRecording::finish);
        self.intent.plan.clear(&self.tree);
        crash::point("cleared");
        // When this fails, the next command finishes it.
        drop(self.intent.fulfil(&self.run));
        crash::point("fulfilled");
        told
    }

    /// Restores everything, because the event could not be appended to the journal.
    ///
    /// # Errors
    /// Names the files that could not be restored; the next command tries again.
    pub fn take_back(self) -> Result<(), ApplyError> {
        let stuck = self.intent.plan.roll_back(&self.tree, &Blobs::at(&self.run.blobs())).stuck;
        if !stuck.is_empty() {
            let source = io::Error::other("what was done could not be noted");
            return Err(ApplyError::HalfWay { path: self.run.journal(), source, stuck });
        }
        self.intent.plan.clear(&self.tree);
        drop(self.intent.forget(&self.run));
        Ok(())
    }
}

/// The changes that applying the run brought into the user's tree.
///
/// # Errors
/// When the run isn't applied, was undone, or the record can't be read.
pub fn applied_changes(run: &RunFolder) -> io::Result<ChangeSet> {
    Ok(Intent::load(&run.applied())?.plan.changes())
}

/// Waits until nobody else writes to the tree. The lock is on the folder itself, so that nothing is left when the
/// process dies. On network file systems that can't lock, only the checks of each file protect.
pub(super) fn lock(root: &Path) -> Option<File> {
    let folder = File::open(root).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Stores every content that will be replaced in the blobs, durably, before anything is replaced.
fn secure(tree: &Dir, plan: &Plan, blobs: &Blobs, doing: Doing) -> Result<(), ApplyError> {
    let failed = |path: &Path, source| ApplyError::Write { path: path.to_owned(), source, doing };
    for file in &plan.files {
        let Some(before) = file.change.before else { continue };
        let path = file.change.path.as_path();
        let content = file_state::content(tree, path, before.mode);
        content.and_then(|content| blobs.secure(&content)).map_err(|source| failed(path, source))?;
    }
    blobs.sync().map_err(|source| failed(blobs.folder(), source))
}
