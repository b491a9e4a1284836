//! Compares an overlay with the user's tree at the start of the run.
//!
//! The user may go on working in that tree. So the state of a file at the start is recorded when the file is first seen
//! to differ, or before a tool changes it. A file that the user changed before that has no known start; it is reported,
//! never guessed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::{Dir, Metadata, MetadataExt as _};

use super::layers::{Cursor, LayerState};
use super::rules::{IgnoreRules, ViewRules};
use super::walk::{OverlayFindings, walk};
use crate::journal::{Digest, RelPath};
use crate::workspace::differences::{ComparedFile, Differences, Room, Taken};
use crate::workspace::file_state::{FILE_LIMIT, PathState, is_of_git};
use crate::workspace::patch::{LeftOutReason, PatchSources};
use crate::workspace::work_limit::{Effort, Enough};
use crate::workspace::{Blobs, ChangeSet, FileMode, FileState};

/// An overlay, the rules of what counts in it, and what is known of its start.
pub(in crate::workspace) struct OverlayScene {
    view_rules: ViewRules,
    pub(in crate::workspace) blobs: Blobs,
    /// Recorded start states; their contents are in the blobs.
    starts: Mutex<BTreeMap<PathBuf, Option<FileState>>>,
    /// Start of the run in nanoseconds since the epoch, by the file system's clock.
    began_ns: i64,
}

/// State of a path when the run began.
#[derive(Clone, Copy)]
enum Start {
    /// It was recorded.
    Noted(FileState),
    /// It is still in the user's tree: mode, and size in bytes.
    Stands(FileMode, u64),
    /// Unknown: the user has changed it since.
    Moved,
    /// It can't be read or isn't a file.
    Unseen,
    Nothing,
}

struct ViewLook<'a> {
    scene: &'a OverlayScene,
    rules: IgnoreRules<'a>,
    /// What new files may still become part of the patch.
    room: Room,
}

impl OverlayScene {
    /// `before` are the changes that the upper layer holds already; they tell the start of their paths.
    pub(super) fn new(view_rules: ViewRules, blobs: Blobs, began_ns: i64, before: &ChangeSet) -> Self {
        let starts = before.entries.iter().map(|entry| (entry.path.as_path().to_owned(), entry.before));
        Self { view_rules, blobs, starts: Mutex::new(starts.collect()), began_ns }
    }

    pub(in crate::workspace) fn contents(&self) -> PatchSources<'_> {
        PatchSources { blobs: &self.blobs, origin: self.lower() }
    }

    fn lower(&self) -> &Dir {
        &self.view_rules.layers.lower
    }

    fn starts(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Option<FileState>>> {
        // No holder leaves the map half-changed.
        self.starts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the start of `path` before a tool changes it. The tool works on what the view shows, so that counts,
    /// even if the user changed it a moment ago.
    pub(in crate::workspace) fn keep(&self, path: &Path) -> io::Result<()> {
        let mut cursor = Cursor::through(&self.view_rules.layers);
        let is_changed = cursor.look(path).is_ok_and(|(layer, _)| layer == LayerState::Upper);
        if is_of_git(path) || is_changed {
            return Ok(());
        }
        let start = match cursor.look_below(path) {
            Ok(PathState::Nothing | PathState::Folder) => None,
            Ok(PathState::File(mode, metadata)) if metadata.len() <= FILE_LIMIT => {
                // A tool can't edit what can't be read.
                let Ok(content) = cursor.content(LayerState::Lower, path, mode) else { return Ok(()) };
                Some(FileState { mode, sha256: self.blobs.keep(&content)? })
            }
            _ => return Ok(()),
        };
        self.starts().insert(path.to_owned(), start);
        Ok(())
    }

    /// Compares only these paths, which tools wrote. Returns the paths that it compared.
    pub(in crate::workspace) fn look_at(
        &self,
        paths: &[RelPath],
        differences: &mut Differences,
    ) -> io::Result<Vec<RelPath>> {
        let mut look = self.look();
        let paths: Vec<_> = paths.iter().filter(|path| !is_of_git(path.as_path())).cloned().collect();
        for path in &paths {
            differences.explicit.insert(path.clone());
            differences.files.remove(path);
            differences.left_out.remove(path.as_path());
            differences.record(path.as_path(), look.compare(path.as_path(), true)?);
        }
        Ok(paths)
    }

    /// Compares everything that may differ. Fails when `stop` is set.
    pub(in crate::workspace) fn look_around(&self, differences: &mut Differences, stop: &AtomicBool) -> io::Result<()> {
        differences.clear();
        let (mut look, mut effort) = (self.look(), Effort::new(stop));
        let OverlayFindings { mut files, left_out } = match walk(&mut look.rules, &mut effort) {
            Ok(walked) => walked,
            Err(Enough::TooMany) => {
                differences.too_many();
                OverlayFindings::default()
            }
            Err(stopped) => return Err(stopped.into()),
        };
        differences.left_out.extend(left_out);
        files.extend(differences.explicit.iter().map(|path| path.as_path().to_owned()));
        for path in files {
            effort.go_on()?;
            let explicit = differences.is_explicit(&path);
            differences.record(&path, look.compare(&path, explicit)?);
        }
        differences.keep_to(&look.room);
        Ok(())
    }

    fn look(&self) -> ViewLook<'_> {
        ViewLook { scene: self, rules: IgnoreRules::of(&self.view_rules), room: Room::default() }
    }

    fn start(&self, path: &Path, rules: &mut IgnoreRules<'_>) -> Start {
        if let Some(noted) = self.starts().get(path) {
            return noted.map_or(Start::Nothing, Start::Noted);
        }
        match rules.cursor.look_below(path) {
            Ok(PathState::File(_, metadata)) if self.is_younger(&metadata) => Start::Moved,
            Ok(PathState::File(mode, metadata)) => Start::Stands(mode, metadata.len()),
            Ok(PathState::Nothing | PathState::Folder) if self.may_have_gone(path, rules) && rules.tracks(path) => {
                Start::Moved
            }
            Ok(PathState::Nothing | PathState::Folder) => Start::Nothing,
            Ok(PathState::Special) | Err(_) => Start::Unseen,
        }
    }

    /// Returns true when a file of the user's tree changed since the run began. A change time can't be set back.
    fn is_younger(&self, metadata: &Metadata) -> bool {
        changed_ns(metadata) > self.began_ns
    }

    /// Returns true when the parent of `path` was changed since the run began, so that `path` may have been deleted.
    fn may_have_gone(&self, path: &Path, rules: &mut IgnoreRules<'_>) -> bool {
        rules.cursor.nearest_below(path).is_some_and(|metadata| self.is_younger(&metadata))
    }
}

/// Change time (ctime) in nanoseconds since the epoch.
pub(super) fn changed_ns(metadata: &Metadata) -> i64 {
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

impl ViewLook<'_> {
    /// Fails only when a content can't be stored; what can't be read is left out by name.
    fn compare(&mut self, path: &Path, explicit: bool) -> io::Result<ComparedFile> {
        let Ok((layer, found)) = self.rules.cursor.look(path) else {
            return Ok(ComparedFile::LeftOut(LeftOutReason::Unreadable));
        };
        if layer == LayerState::Lower {
            return Ok(ComparedFile::Same);
        }
        let start = self.scene.start(path, &mut self.rules);
        if !explicit && self.rules.is_noise(path, !matches!(start, Start::Nothing)) {
            return Ok(ComparedFile::Same);
        }
        match (start, found) {
            (Start::Nothing, PathState::File(mode, metadata)) => self.added(path, mode, &metadata, explicit),
            (Start::Unseen, PathState::File(..)) => Ok(ComparedFile::LeftOut(LeftOutReason::NotInView)),
            (Start::Nothing | Start::Unseen, _) => Ok(ComparedFile::Same),
            (_, PathState::Special) => Ok(ComparedFile::LeftOut(LeftOutReason::Special)),
            (Start::Moved, _) => Ok(ComparedFile::LeftOut(LeftOutReason::StartGone)),
            (Start::Stands(mode, size), found) if size > FILE_LIMIT => Ok(self.compare_huge(path, mode, size, &found)),
            (Start::Stands(mode, _), found) => match self.rules.cursor.content(LayerState::Lower, path, mode) {
                Ok(content) => {
                    let before = FileState { mode, sha256: Digest::of(&content) };
                    self.changed(path, before, Some(&content), &found)
                }
                Err(_) => Ok(ComparedFile::LeftOut(LeftOutReason::StartGone)),
            },
            (Start::Noted(before), found) => self.changed(path, before, None, &found),
        }
    }

    fn added(&mut self, path: &Path, mode: FileMode, metadata: &Metadata, explicit: bool) -> io::Result<ComparedFile> {
        let size = metadata.len();
        match if explicit { Taken::Fits } else { self.room.take(path, size) } {
            Taken::Fits => {}
            Taken::TooLarge => return Ok(ComparedFile::LeftOut(LeftOutReason::TooMuch)),
            Taken::TooMany => return Ok(ComparedFile::Same),
        }
        self.settle(path, None, Some((mode, metadata)))
    }

    /// Compares with `before`; `content` is its content, unless it is in the blobs already.
    fn changed(
        &mut self,
        path: &Path,
        before: FileState,
        content: Option<&[u8]>,
        found: &PathState,
    ) -> io::Result<ComparedFile> {
        let now = if let PathState::File(mode, metadata) = found { Some((*mode, metadata)) } else { None };
        let verdict = self.settle(path, Some(before), now)?;
        if let (ComparedFile::Changed(..), Some(content)) = (verdict, content) {
            self.scene.blobs.keep(content)?;
        }
        Ok(verdict)
    }

    /// Reads the file once, so that what is stored is what is compared, also while something still writes to it.
    fn settle(
        &mut self,
        path: &Path,
        before: Option<FileState>,
        now: Option<(FileMode, &Metadata)>,
    ) -> io::Result<ComparedFile> {
        let after = match now {
            None => None,
            Some((_, metadata)) if metadata.len() > FILE_LIMIT => {
                return Ok(ComparedFile::LeftOut(LeftOutReason::TooLarge));
            }
            Some((mode, _)) => {
                let Ok(content) = self.rules.cursor.content(LayerState::Upper, path, mode) else {
                    return Ok(ComparedFile::LeftOut(LeftOutReason::Unreadable));
                };
                let state = FileState { mode, sha256: Digest::of(&content) };
                if before != Some(state) {
                    self.scene.blobs.keep(&content)?;
                }
                Some(state)
            }
        };
        if before == after {
            return Ok(ComparedFile::Same);
        }
        self.scene.starts().insert(path.to_owned(), before);
        Ok(ComparedFile::Changed(before, after))
    }

    /// A file that is too large for a patch only matters when it differs.
    fn compare_huge(&mut self, path: &Path, mode: FileMode, size: u64, found: &PathState) -> ComparedFile {
        let cursor = &mut self.rules.cursor;
        let may_equal = matches!(found, PathState::File(now, metadata) if *now == mode && metadata.len() == size);
        let states =
            || Some((cursor.state(LayerState::Lower, path).ok()?, cursor.state(LayerState::Upper, path).ok()?));
        match may_equal.then(states).flatten() {
            Some((before, after)) if before == after => ComparedFile::Same,
            _ => ComparedFile::LeftOut(LeftOutReason::TooLarge),
        }
    }
}
