//! Which files of the view differ from its start, and in what.
//!
//! A file whose size, inode and change time are those of its copy wasn't written; only the others
//! are read. Code of the repository wrote the view, so nothing here follows a link.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata};
use ignore::gitignore::Gitignore;

use super::by_products::{is_by_product, is_by_product_folder};
use super::file_state::{self, Found};
use super::manifest::{Copied, Manifest, Stamp, Start};
use super::outline::walk;
use super::patch::{LeftOut, LeftOutReason};
use super::{Blobs, ChangedFile, FileMode, FileState};
use crate::journal::{Digest, RelPath};

/// A changed file above this doesn't become part of a patch.
const FILE_LIMIT: u64 = 64 << 20;

/// The view and what it came from.
pub(super) struct Scene {
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

/// What differs, as far as it was looked at.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) files: BTreeMap<RelPath, ChangedFile>,
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
    /// Files that a tool wrote by name: they count, ignored or not.
    pub(super) explicit: BTreeSet<RelPath>,
}

impl Differences {
    /// The files left out, for people.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let told = |(path, reason): (&PathBuf, &LeftOutReason)| LeftOut {
            path: path.to_string_lossy().into_owned(),
            reason: *reason,
        };
        self.left_out.iter().map(told).collect()
    }

    fn record(&mut self, path: &Path, verdict: Verdict) {
        let left_out = match verdict {
            Verdict::Same => return,
            Verdict::LeftOut(reason) => reason,
            Verdict::Changed(before, after) => match RelPath::from_path(path) {
                Ok(path) => {
                    self.files.insert(path.clone(), ChangedFile { path, before, after });
                    return;
                }
                Err(_) => LeftOutReason::NotUtf8,
            },
        };
        self.left_out.insert(path.to_owned(), left_out);
    }
}

#[derive(Clone, Copy)]
enum Verdict {
    Same,
    Changed(Option<FileState>, Option<FileState>),
    LeftOut(LeftOutReason),
}

impl Scene {
    /// Looks at these paths only; they were written by tools.
    pub(super) fn look_at(&self, paths: &[RelPath], differences: &mut Differences) -> io::Result<()> {
        for path in paths.iter().flat_map(|path| self.places(path)) {
            differences.explicit.insert(path.clone());
            differences.files.remove(&path);
            differences.left_out.remove(path.as_path());
            let verdict = self.compare(path.as_path(), file_state::look(&self.view, path.as_path()), true)?;
            differences.record(path.as_path(), verdict);
        }
        Ok(())
    }

    /// Looks at everything.
    pub(super) fn look_around(&self, differences: &mut Differences) -> io::Result<()> {
        differences.files.clear();
        differences.left_out.clear();
        let mut last = Path::new("");
        let mut real = true;
        for path in self.manifest.paths.iter().map(file_state::as_path) {
            // Sorted paths share their folders: those are looked at once.
            let folder = path.parent().unwrap_or(Path::new(""));
            let found = if folder == last && real {
                file_state::look_at(&self.view, path)
            } else {
                file_state::look(&self.view, path)
            };
            real = folder == last && real || matches!(found, Ok(Found::File(..)));
            last = folder;
            let explicit = is_explicit(differences, path);
            differences.record(path, self.compare(path, found, explicit)?);
        }
        for path in self.new_files(differences) {
            let found = file_state::look(&self.view, &path);
            differences.record(&path, self.compare(&path, found, true)?);
        }
        Ok(())
    }

    /// The paths that a tool's path may mean: itself, and where links in the view lead.
    pub(super) fn places(&self, path: &RelPath) -> BTreeSet<RelPath> {
        let mut places = BTreeSet::from([path.clone()]);
        let full = self.view_root.join(path.as_path());
        let parent = full.parent().and_then(|parent| parent.canonicalize().ok());
        let beside = parent.zip(full.file_name()).map(|(parent, name)| parent.join(name));
        let real = [beside, full.canonicalize().ok()].into_iter().flatten();
        let inside = real.filter_map(|real| RelPath::from_path(&file_state::relative(&self.view_root, &real)?).ok());
        places.extend(inside);
        places.retain(|place| !self.is_dependency(place.as_path()));
        places
    }

    fn is_dependency(&self, path: &Path) -> bool {
        self.dependencies.iter().any(|folder| path.starts_with(folder))
    }

    /// Files that weren't there at the start and count: not ignored, no by-product, or written by a tool.
    fn new_files(&self, differences: &Differences) -> Vec<PathBuf> {
        let filter = {
            let (root, dependencies) = (self.view_root.clone(), self.dependencies.clone());
            move |entry: &ignore::DirEntry| {
                let Some(path) = file_state::relative(&root, entry.path()) else { return true };
                let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let skipped = entry.file_name() == ".git" || dependencies.contains(&path);
                !(skipped || folder && is_by_product_folder(&root, &path))
            }
        };
        let walked = walk(&self.view_root).filter_entry(filter).build().flatten();
        let files = walked.filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
        let mut new: BTreeSet<PathBuf> = files
            .filter_map(|entry| file_state::relative(&self.view_root, entry.path()))
            .filter(|path| self.manifest.paths.find(path.as_os_str().as_bytes()).is_none())
            .filter(|path| !is_by_product(&self.view_root, path) && !self.is_excluded(path))
            .collect();
        let explicit = differences.explicit.iter().map(RelPath::as_path);
        new.extend(explicit.filter(|path| !self.is_dependency(path)).map(Path::to_owned));
        new.into_iter().collect()
    }

    fn is_excluded(&self, path: &Path) -> bool {
        self.exclude.matched_path_or_any_parents(self.view_root.join(path), false).is_ignore()
    }

    /// Fails only when a content can't be kept; what can't be read is left out by name.
    fn compare(&self, path: &Path, found: io::Result<Found>, explicit: bool) -> io::Result<Verdict> {
        let Ok(found) = found else { return Ok(Verdict::LeftOut(LeftOutReason::Unreadable)) };
        match (self.manifest.start(path.as_os_str().as_bytes()), found) {
            (Start::File(start), Found::File(mode, metadata)) => {
                self.compare_files(path, start, mode, &metadata, explicit)
            }
            (Start::File(start), _) if self.is_noise(path, start, explicit) => Ok(Verdict::Same),
            (Start::File(start), Found::Nothing | Found::Folder) => Ok(Verdict::Changed(Some(start.state), None)),
            (Start::File(_), Found::Special) => Ok(Verdict::LeftOut(LeftOutReason::Special)),
            (Start::Nothing, Found::File(mode, metadata)) => self.changed(path, None, mode, &metadata),
            (Start::LeftOut, Found::File(mode, metadata)) => match file_state::look(&self.origin, path) {
                Ok(Found::Nothing) => self.changed(path, None, mode, &metadata),
                _ => Ok(Verdict::LeftOut(LeftOutReason::NotInView)),
            },
            (Start::Nothing | Start::LeftOut, _) => Ok(Verdict::Same),
        }
    }

    fn compare_files(
        &self,
        path: &Path,
        start: Copied,
        mode: FileMode,
        metadata: &Metadata,
        explicit: bool,
    ) -> io::Result<Verdict> {
        let stamp = Stamp::of(metadata);
        let untouched = stamp == start.stamp && !stamp.is_younger_than(self.manifest.settled_ns);
        if untouched || self.is_noise(path, start, explicit) {
            return Ok(Verdict::Same);
        }
        match file_state::state(&self.view, path) {
            Ok(state) if state == Some(start.state) => Ok(Verdict::Same),
            Ok(_) => self.changed(path, Some(start.state), mode, metadata),
            Err(_) => Ok(Verdict::LeftOut(LeftOutReason::Unreadable)),
        }
    }

    /// An untracked by-product that stood in the user's tree already.
    fn is_noise(&self, path: &Path, start: Copied, explicit: bool) -> bool {
        !start.tracked && !explicit && is_by_product(&self.view_root, path)
    }

    /// Reads the file once: what is kept is what is compared, also while something still writes to it.
    fn changed(
        &self,
        path: &Path,
        before: Option<FileState>,
        mode: FileMode,
        metadata: &Metadata,
    ) -> io::Result<Verdict> {
        if metadata.len() > FILE_LIMIT {
            return Ok(Verdict::LeftOut(LeftOutReason::TooLarge));
        }
        let Ok(content) = file_state::content(&self.view, path, mode) else {
            return Ok(Verdict::LeftOut(LeftOutReason::Unreadable));
        };
        let after = FileState { mode, sha256: Digest::of(&content) };
        if before == Some(after) {
            return Ok(Verdict::Same);
        }
        self.blobs.keep(&content)?;
        Ok(Verdict::Changed(before, Some(after)))
    }
}

fn is_explicit(differences: &Differences, path: &Path) -> bool {
    !differences.explicit.is_empty() && RelPath::from_path(path).is_ok_and(|path| differences.explicit.contains(&path))
}
