//! What differs between a view and its start, as far as it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::file_state::FILE_LIMIT;
use super::patch::{LeftOut, LeftOutReason};
use super::{ChangedFile, FileState};
use crate::journal::RelPath;

/// New files that no tool wrote by name become part of a patch up to this many bytes together.
const NEW_FILES_LIMIT: u64 = 64 << 20;

/// And up to this many.
pub(super) const NEW_FILES_COUNT: usize = 10_000;

/// What is left out is told by name up to this many.
const NAMED: usize = 100;
/// Bytes of a name that are told.
const SHOWN: usize = 160;

/// What differs, as far as it was looked at.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) files: BTreeMap<RelPath, ChangedFile>,
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
    /// Files that a tool wrote by name: they count, ignored or not.
    pub(super) explicit: BTreeSet<RelPath>,
}

impl Differences {
    /// Whether a tool wrote this file by name.
    pub(super) fn is_explicit(&self, path: &Path) -> bool {
        !self.explicit.is_empty() && RelPath::from_path(path).is_ok_and(|path| self.explicit.contains(&path))
    }

    /// Forgets what the last look found; what tools wrote stays known.
    pub(super) fn clear(&mut self) {
        self.files.clear();
        self.left_out.clear();
    }

    /// The files left out, for people: the first by name.
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

    /// Takes down that nothing is known but what tools wrote by name.
    pub(super) fn too_many(&mut self) {
        self.left_out.insert("what commands of the run changed".into(), LeftOutReason::TooMany);
    }

    /// Where there are too many new files, takes out all that no tool wrote by name: which of them would fit,
    /// nobody chose.
    pub(super) fn keep_to(&mut self, room: &Room) {
        let Some(folder) = room.folder.as_ref().filter(|_| room.files > NEW_FILES_COUNT) else { return };
        let Self { files, left_out, explicit } = self;
        files.retain(|path, file| file.before.is_some() || explicit.contains(path));
        left_out.retain(|_, reason| *reason != LeftOutReason::TooMuch);
        let place = if folder.as_os_str().is_empty() { String::new() } else { format!(" in {}", folder.display()) };
        left_out.insert(format!("a group of {} new files{place}", room.files).into(), LeftOutReason::TooManyFiles);
    }

    /// Takes down what came of looking at `path`.
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

/// What new files that no tool wrote by name may still become part of a patch.
pub(super) struct Room {
    bytes: u64,
    files: usize,
    /// What all of them lie in.
    folder: Option<PathBuf>,
}

/// Whether a new file has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Fits,
    /// Together with those before it.
    TooLarge,
    /// With so many, none becomes part of the patch.
    TooMany,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: NEW_FILES_LIMIT, files: 0, folder: None }
    }
}

impl Room {
    /// For a new file of `size` bytes that no tool wrote by name.
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

/// A path that a line can hold: of a longer one its beginning and its end.
fn shown(path: &str) -> String {
    if path.len() <= SHOWN {
        return path.to_owned();
    }
    let (head, tail) = (path.floor_char_boundary(SHOWN / 2), path.ceil_char_boundary(path.len() - SHOWN / 2));
    format!("{}…{}", &path[..head], &path[tail..])
}

/// What came of comparing a file of the view with its start.
#[derive(Clone, Copy, Debug)]
pub(super) enum ComparedFile {
    /// It doesn't differ, or not in a way that counts.
    Same,
    /// From this to that; `None` where there is no file.
    Changed(Option<FileState>, Option<FileState>),
    /// It differs and can't be part of a patch.
    LeftOut(LeftOutReason),
}
