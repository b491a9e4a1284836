//! The places of the machine that a sandbox shows, and what is covered in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::as_text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum How {
    ReadOnly,
    /// The tree as an overlay: writable, with changes stored elsewhere.
    Overlay,
    /// A toolchain's cache outside the tree as an overlay.
    Cache,
    Writable,
}

/// A path that is shown with everything below it, except for masks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) struct VisiblePlace {
    /// As it was named; links lead from here to `real`.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) path: PathBuf,
    /// Canonical path.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) real: PathBuf,
    pub(in crate::sandbox) how: How,
}

/// What a sandbox shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    /// A place inside another one comes after it.
    pub(in crate::sandbox) places: Vec<VisiblePlace>,
    /// Masks. A folder is covered before places in it are shown.
    pub(in crate::sandbox) masks: Vec<Mask>,
}

impl Visible {
    /// Read-only places, a folder before what lies in it.
    pub(in crate::sandbox) fn read_only(&self) -> impl Iterator<Item = &VisiblePlace> {
        self.places.iter().filter(|place| place.how == How::ReadOnly)
    }

    /// Whether `path` is covered, or lies in something covered.
    pub(in crate::sandbox) fn is_masked(&self, path: &Path) -> bool {
        self.masks.iter().any(|mask| path.starts_with(&mask.path))
    }

    /// Places outside the tree and the run's own folders.
    pub(in crate::sandbox) fn beside(&self) -> impl Iterator<Item = &VisiblePlace> {
        self.places.iter().filter(|place| matches!(place.how, How::ReadOnly | How::Cache))
    }

    /// The same for Landlock, which can only allow: folders that may be listed, and paths that may be read with
    /// everything below.
    pub(in crate::sandbox) fn allowed(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut listable, mut readable) = (Vec::new(), Vec::new());
        for place in self.read_only().filter(|place| !self.is_masked(&place.real)) {
            self.allow(&place.real, &mut listable, &mut readable);
        }
        // Places inside a covered folder.
        let inner = self.read_only().filter(|place| self.is_masked(&place.real));
        for place in inner.filter(|place| !self.masks.iter().any(|mask| mask.path == place.real)) {
            self.allow(&place.real, &mut listable, &mut readable);
        }
        (listable, readable)
    }

    /// Whether the canonical `path` is visible: it lies in a place and under no mask.
    #[must_use]
    pub fn shows(&self, path: &Path) -> bool {
        let deepest = |all: &mut dyn Iterator<Item = &PathBuf>| {
            all.filter(|it| path.starts_with(it)).map(|it| it.components().count()).max()
        };
        let place = deepest(&mut self.places.iter().map(|place| &place.real));
        let mask = deepest(&mut self.masks.iter().map(|mask| &mask.path));
        place.is_some_and(|place| mask.is_none_or(|mask| mask < place))
    }

    fn allow(&self, folder: &Path, listable: &mut Vec<PathBuf>, readable: &mut Vec<PathBuf>) {
        if !self.masks.iter().any(|mask| mask.path.starts_with(folder)) {
            readable.push(folder.to_owned());
            return;
        }
        listable.push(folder.to_owned());
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // A Landlock rule for a link would apply to its target.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link && !self.masks.iter().any(|mask| mask.path == entry.path()) {
                self.allow(&entry.path(), listable, readable);
            }
        }
    }
}

/// A path that is covered by an empty file or folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) struct Mask {
    /// Canonical path.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) path: PathBuf,
    pub(in crate::sandbox) is_folder: bool,
}
