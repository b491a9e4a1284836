//! Differences between a view and its start, as far as the comparison went.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::file_state::FILE_LIMIT;
use super::patch::{LeftOut, LeftOutReason};
use super::{ChangedFile, FileState};
use crate::journal::RelPath;

/// Total bytes of new files, written by no tool by name, that may become part of a patch.
const NEW_FILES_LIMIT: u64 = 64 << 20;

/// Number of such files.
pub(super) const NEW_FILES_COUNT: usize = 10_000;

/// Number of left-out paths that are listed by name.
const NAMED: usize = 100;
/// Length in bytes to which listed paths are shortened.
const SHOWN: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) files: BTreeMap<RelPath, ChangedFile>,
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
    /// Files that a tool wrote by name: they count even when git ignores them.
    pub(super) explicit: BTreeSet<RelPath>,
}

impl Differences {
    /// Returns true when a tool wrote this file by name.
    pub(super) fn is_explicit(&self, path: &Path) -> bool {
        !self.explicit.is_empty() && RelPath::from_path(path).is_ok_and(|path| self.explicit.contains(&path))
    }

    /// Clears the results of the last comparison; what tools wrote stays known.
    pub(super) fn clear(&mut self) {
        self.files.clear();
        self.left_out.clear();
    }

    /// The left-out files for people; beyond [`NAMED`] paths the rest is summed up in one entry.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let told = |(path, reason): (&PathBuf, &LeftOutReason)| LeftOut {
            path: shown(&path.to_string_lossy()),
            reason: *reason,
        };
        let mut named: Vec<_> = self.left_out.iter().take(NAMED).map(told).collect();
        if let Some(more) = self.left_out.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named.push(LeftOut { path: format!("a group of {more} other changes"), reason: LeftOutReason::Unnamed });
        }
        named
    }

    /// Records that too many files changed to be compared: only what tools wrote by name is known.
    pub(super) fn too_many(&mut self) {
        self.left_out.insert("what commands of the run changed".into(), LeftOutReason::TooMany);
    }

    /// Above the limit of new files, drops all that no tool wrote by name: picking the ones that fit would be
    /// arbitrary.
    pub(super) fn keep_to(&mut self, room: &Room) {
        let Some(folder) = room.folder.as_ref().filter(|_| room.files > NEW_FILES_COUNT) else { return };
        let Self { files, left_out, explicit } = self;
        files.retain(|path, file| file.before.is_some() || explicit.contains(path));
        left_out.retain(|_, reason| *reason != LeftOutReason::TooMuch);
        let place = if folder.as_os_str().is_empty() { String::new() } else { format!(" in {}", folder.display()) };
        left_out.insert(format!("a group of {} new files{place}", room.files).into(), LeftOutReason::TooManyFiles);
    }

    /// Records the result of comparing `path`.
    pub(super) fn record(&mut self, path: &Path, verdict: ComparedFile) {
        let left_out = match verdict {
            ComparedFile::Same => return,
            ComparedFile::LeftOut(reason) => reason,
            ComparedFile::Changed(before, after) => match RelPath::from_path(path) {
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

/// Allowance for new files that no tool wrote by name: what may still become part of a patch.
pub(super) struct Room {
    bytes: u64,
    files: usize,
    /// Their common parent folder.
    folder: Option<PathBuf>,
}

/// Whether a new file fits into the allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Fits,
    /// Too large together with the files before it.
    TooLarge,
    /// The count is exceeded: none of these files becomes part of the patch.
    TooMany,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: NEW_FILES_LIMIT, files: 0, folder: None }
    }
}

impl Room {
    /// Counts a new file of `size` bytes that no tool wrote by name.
    pub(super) fn take(&mut self, path: &Path, size: u64) -> Taken {
        self.files += 1;
        let folder = path.parent().unwrap_or(Path::new(""));
        match &mut self.folder {
            Some(common) => while !folder.starts_with(&*common) && common.pop() {},
            None => self.folder = Some(folder.to_owned()),
        }
        if self.files > NEW_FILES_COUNT {
            Taken::TooMany
        } else if size > self.bytes && size <= FILE_LIMIT {
            Taken::TooLarge
        } else {
            self.bytes = self.bytes.saturating_sub(size);
            Taken::Fits
        }
    }
}

/// Shortens a long path to its beginning and its end.
fn shown(path: &str) -> String {
    if path.len() <= SHOWN {
        return path.to_owned();
    }
    let (head, tail) = (path.floor_char_boundary(SHOWN / 2), path.ceil_char_boundary(path.len() - SHOWN / 2));
    format!("{}…{}", &path[..head], &path[tail..])
}

/// Result of comparing a file of the view with its start.
#[derive(Clone, Copy, Debug)]
pub(super) enum ComparedFile {
    /// Equal, or different in a way that doesn't count.
    Same,
    /// The state before and after; `None` where there is no file.
    Changed(Option<FileState>, Option<FileState>),
    /// Changed, but can't be part of a patch.
    LeftOut(LeftOutReason),
}
