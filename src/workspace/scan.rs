//! Compares the view with its start.
//!
//! A file whose size, inode and change time are those of its copy wasn't written; only the others are read. Code of the
//! repository wrote the view, so nothing here follows a link.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cap_std::fs::{Dir, Metadata};
use ignore::gitignore::Gitignore;

use super::by_products::is_by_product;
use super::differences::{ComparedFile, Differences, Room, Taken};
use super::file_state::{self, FILE_LIMIT, PathState, is_of_git};
use super::manifest::{Copied, Manifest, Stamp, Start};
use super::new_files::{NewFiles, new_files};
use super::patch::{LeftOutReason, PatchSources};
use super::trail::Trail;
use super::work_limit::{Effort, Enough};
use super::{Blobs, FileMode, FileState};
use crate::journal::{Digest, RelPath};

/// A view that is a copy, with the tree it was copied from.
pub(super) struct ViewDiff {
    pub(super) view_root: PathBuf,
    pub(super) view: Dir,
    pub(super) origin: Dir,
    pub(super) manifest: Manifest,
    /// Dependency folders, relative to the root.
    pub(super) dependencies: Vec<PathBuf>,
    /// The clone's own ignore rules; those in `.gitignore` files are read from the view.
    pub(super) exclude: Gitignore,
    pub(super) blobs: Blobs,
}

impl ViewDiff {
    pub(super) fn contents(&self) -> PatchSources<'_> {
        PatchSources { blobs: &self.blobs, origin: &self.origin }
    }

    /// Stores the start content of every path that `path` may refer to.
    pub(super) fn keep(&self, path: &RelPath) -> io::Result<()> {
        self.places(path).iter().try_for_each(|place| self.keep_one(place.as_path()))
    }

    fn keep_one(&self, path: &Path) -> io::Result<()> {
        let Start::File(start) = self.manifest.start(path.as_os_str().as_bytes()) else { return Ok(()) };
        if self.blobs.holds(start.state.sha256) {
            return Ok(());
        }
        // What can't be read is no longer what was copied; the patch looks for the start in the user's tree.
        let Ok(PathState::File(mode, _)) = file_state::look(&self.view, path) else { return Ok(()) };
        let Ok(content) = file_state::content(&self.view, path, mode) else { return Ok(()) };
        if Digest::of(&content) == start.state.sha256 {
            self.blobs.keep(&content)?;
        }
        Ok(())
    }

    /// Compares only these paths, which tools wrote. Returns the paths that it compared.
    pub(super) fn look_at(&self, paths: &[RelPath], differences: &mut Differences) -> io::Result<Vec<RelPath>> {
        let places: Vec<_> = paths.iter().flat_map(|path| self.places(path)).collect();
        for path in places.clone() {
            differences.explicit.insert(path.clone());
            differences.files.remove(&path);
            differences.left_out.remove(path.as_path());
            let verdict = self.compare(path.as_path(), file_state::look(&self.view, path.as_path()), true)?;
            differences.record(path.as_path(), verdict);
        }
        Ok(places)
    }

    /// Compares everything. Fails when `stop` is set.
    pub(super) fn look_around(&self, differences: &mut Differences, stop: &AtomicBool) -> io::Result<()> {
        differences.clear();
        let (mut trail, mut effort) = (Trail::at(&self.view), Effort::new(stop));
        for path in self.manifest.paths.iter().map(file_state::as_path) {
            effort.go_on()?;
            let explicit = differences.is_explicit(path);
            differences.record(path, self.compare(path, trail.look(path), explicit)?);
        }
        let NewFiles { mut files, left_out } = match new_files(self, &mut effort) {
            Ok(found) => found,
            Err(Enough::TooMany) => {
                differences.too_many();
                NewFiles::default()
            }
            Err(stopped) => return Err(stopped.into()),
        };
        differences.left_out.extend(left_out);
        files.extend(differences.explicit.iter().map(|path| path.as_path().to_owned()));
        let mut room = Room::default();
        for path in files {
            effort.go_on()?;
            let found = trail.look(&path);
            let size = if let Ok(PathState::File(_, metadata)) = &found { metadata.len() } else { 0 };
            match if differences.is_explicit(&path) { Taken::Fits } else { room.take(&path, size) } {
                Taken::Fits => differences.record(&path, self.compare(&path, found, true)?),
                Taken::TooLarge => differences.record(&path, ComparedFile::LeftOut(LeftOutReason::TooMuch)),
                Taken::TooMany => {}
            }
        }
        differences.keep_to(&room);
        Ok(())
    }

    /// The paths that a tool's path may refer to: itself, and the targets of links in the view.
    fn places(&self, path: &RelPath) -> BTreeSet<RelPath> {
        let mut places = BTreeSet::from([path.clone()]);
        let full = self.view_root.join(path.as_path());
        let parent = full.parent().and_then(|parent| parent.canonicalize().ok());
        let beside = parent.zip(full.file_name()).map(|(parent, name)| parent.join(name));
        let real = [beside, full.canonicalize().ok()].into_iter().flatten();
        let inside = real.filter_map(|real| RelPath::from_path(&file_state::relative(&self.view_root, &real)?).ok());
        places.extend(inside);
        // Dependencies are the user's own, and git's files never come from a run.
        places.retain(|place| !self.is_dependency(place.as_path()) && !is_of_git(place.as_path()));
        places
    }

    fn is_dependency(&self, path: &Path) -> bool {
        self.dependencies.iter().any(|folder| path.starts_with(folder))
    }

    /// Fails only when a content can't be stored; what can't be read is left out by name.
    fn compare(&self, path: &Path, found: io::Result<PathState>, explicit: bool) -> io::Result<ComparedFile> {
        let Ok(found) = found else { return Ok(ComparedFile::LeftOut(LeftOutReason::Unreadable)) };
        match (self.manifest.start(path.as_os_str().as_bytes()), found) {
            (Start::File(start), PathState::File(mode, metadata)) => {
                self.compare_files(path, start, mode, &metadata, explicit)
            }
            (Start::File(start), _) if self.is_noise(path, start, explicit) => Ok(ComparedFile::Same),
            (Start::File(start), PathState::Nothing | PathState::Folder) if start.stamp.size() > FILE_LIMIT => {
                Ok(ComparedFile::LeftOut(LeftOutReason::TooLarge))
            }
            (Start::File(start), PathState::Nothing | PathState::Folder) => {
                Ok(ComparedFile::Changed(Some(start.state), None))
            }
            (Start::File(_), PathState::Special) => Ok(ComparedFile::LeftOut(LeftOutReason::Special)),
            (Start::Nothing, PathState::File(mode, metadata)) => self.changed(path, None, mode, &metadata),
            (Start::LeftOut, PathState::File(mode, metadata)) => match file_state::look(&self.origin, path) {
                Ok(PathState::Nothing) => self.changed(path, None, mode, &metadata),
                _ => Ok(ComparedFile::LeftOut(LeftOutReason::NotInView)),
            },
            (Start::Nothing | Start::LeftOut, _) => Ok(ComparedFile::Same),
        }
    }

    fn compare_files(
        &self,
        path: &Path,
        start: Copied,
        mode: FileMode,
        metadata: &Metadata,
        explicit: bool,
    ) -> io::Result<ComparedFile> {
        let stamp = Stamp::of(metadata);
        let untouched = stamp == start.stamp && !stamp.is_younger_than(self.manifest.settled_ns);
        if untouched || self.is_noise(path, start, explicit) {
            return Ok(ComparedFile::Same);
        }
        if metadata.len() != start.stamp.size() {
            return self.changed(path, Some(start), mode, metadata);
        }
        match file_state::state(&self.view, path) {
            Ok(state) if state == Some(start.state) => Ok(ComparedFile::Same),
            Ok(_) => self.changed(path, Some(start), mode, metadata),
            Err(_) => Ok(ComparedFile::LeftOut(LeftOutReason::Unreadable)),
        }
    }

    /// Returns true for an untracked by-product that was in the user's tree already.
    fn is_noise(&self, path: &Path, start: Copied, explicit: bool) -> bool {
        !start.tracked && !explicit && is_by_product(|path| self.view_root.join(path).exists(), path)
    }

    /// Reads the file once, so that what is stored is what is compared, also while something still writes to it.
    fn changed(
        &self,
        path: &Path,
        start: Option<Copied>,
        mode: FileMode,
        metadata: &Metadata,
    ) -> io::Result<ComparedFile> {
        let before = start.map(|start| start.state);
        if metadata.len().max(start.map_or(0, |start| start.stamp.size())) > FILE_LIMIT {
            return Ok(ComparedFile::LeftOut(LeftOutReason::TooLarge));
        }
        let Ok(content) = file_state::content(&self.view, path, mode) else {
            return Ok(ComparedFile::LeftOut(LeftOutReason::Unreadable));
        };
        let after = FileState { mode, sha256: Digest::of(&content) };
        if before == Some(after) {
            return Ok(ComparedFile::Same);
        }
        self.blobs.keep(&content)?;
        Ok(ComparedFile::Changed(before, Some(after)))
    }
}
