//! What differs between a view and its start, as far as it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::patch::{LeftOut, LeftOutReason};
use super::{ChangedFile, FileState};
use crate::journal::RelPath;

/// New files that no tool wrote by name become part of a patch up to this many bytes together.
pub(super) const NEW_FILES_LIMIT: u64 = 64 << 20;

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

    /// The files left out, for people.
    pub(super) fn left_out(&self) -> Vec<LeftOut> {
        let told = |(path, reason): (&PathBuf, &LeftOutReason)| LeftOut {
            path: path.to_string_lossy().into_owned(),
            reason: *reason,
        };
        self.left_out.iter().map(told).collect()
    }

    /// Takes down what came of looking at `path`.
    pub(super) fn record(&mut self, path: &Path, verdict: Verdict) {
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

/// What came of comparing a file of the view with its start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// It doesn't differ, or not in a way that counts.
    Same,
    /// From this to that; `None` where there is no file.
    Changed(Option<FileState>, Option<FileState>),
    /// It differs and can't be part of a patch.
    LeftOut(LeftOutReason),
}
