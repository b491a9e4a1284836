//! The user's tree, written by one process at a time: what it is about to do is on disk before it does it.
//!
//! 1. The tree is locked, checked, and everything planned; old contents are made sure of, and the plan is kept as an intent.
//! 2. The files are written.
//! 3. The caller notes it in the run's journal: from then on it is done.
//! 4. [`Transaction::keep`] clears up and forgets the intent.
//!
//! A process that dies before 3 leaves an intent that [`settle`](super::settle()) takes back; after 3, one that it finishes.

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

/// A tree that has been written, and not yet for good.
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
    /// When a touched file is not what `changes` says it was, and when something can't be read or written.
    pub fn apply(run: &RunFolder, root: &Path, changes: &ChangeSet) -> Result<Self, ApplyError> {
        Self::recorded(run, root, changes, None)
    }

    /// The same, and makes ready what git is to be told: the patch as it is, which `changes` may have been fitted to the tree.
    ///
    /// # Errors
    /// As above, and when git can't do what is wanted.
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

    /// Puts back what stood in the tree at `root` before `run` was applied.
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

    /// How many files were written.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.intent.plan.files.len() as u64
    }

    /// Files that had other names (hard links). Those keep what the files were: they may be outside of the tree, where nothing is to
    /// change.
    #[must_use]
    pub fn severed(&self) -> Vec<RelPath> {
        let linked = self.intent.plan.files.iter().filter(|file| file.has_other_names);
        linked.map(|file| file.change.path.clone()).collect()
    }

    /// Whether git is told as well.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.intent.recording.is_some()
    }

    /// The commit that git will have, if one was wanted.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.intent.recording.as_ref().and_then(GitRecording::commit)
    }

    /// It has been noted: nothing takes it back any more but an undo. Git is told.
    ///
    /// # Errors
    /// When git refuses at last. The files are written all the same.
    pub fn keep(self) -> Result<(), RecordError> {
        crash::point("noted");
        let told = self.intent.recording.as_ref().map_or(Ok(()), GitRecording::finish);
        self.intent.plan.clear(&self.tree);
        crash::point("cleared");
        // An intent that can't be forgotten is finished by the next command.
        drop(self.intent.fulfil(&self.run));
        crash::point("fulfilled");
        told
    }

    /// It could not be noted: everything is put back.
    ///
    /// # Errors
    /// Names the files that could not be; the next command tries again.
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

/// What the run brought into the user's tree when it was applied, as far as it wasn't undone.
///
/// # Errors
/// When it isn't applied, or how it was applied can't be read.
pub fn applied_changes(run: &RunFolder) -> io::Result<ChangeSet> {
    Ok(Intent::load(&run.applied())?.plan.changes())
}

/// Waits until nobody else writes to the tree. The folder itself is locked, so that nothing is left, whatever becomes of us;
/// some network file systems can't do that, and the checks of each file have to do there.
pub(super) fn lock(root: &Path) -> Option<File> {
    let folder = File::open(root).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// What will be replaced is in the blobs, whole and on the disk, before anything is.
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
