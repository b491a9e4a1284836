//! The places of the machine that a sandbox shows, and what is covered in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::as_text;

/// How a place is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum How {
    ReadOnly,
    /// The tree: it can be written, and what is written is kept elsewhere.
    Overlay,
    /// The same of a toolchain's cache beside the tree.
    Cache,
    Writable,
}

/// A path that is shown with all that is below, but for what is covered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) struct VisiblePlace {
    /// As it was named; links lead from here to `real`.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) path: PathBuf,
    /// Canonical.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) real: PathBuf,
    pub(in crate::sandbox) how: How,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visible {
    /// What lies in another place comes after it.
    pub(in crate::sandbox) places: Vec<VisiblePlace>,
    /// Folders among them are covered before what is shown in them.
    pub(in crate::sandbox) masks: Vec<Mask>,
}

impl Visible {
    /// What is shown and can't be written, a folder before what lies in it.
    pub(in crate::sandbox) fn read_only(&self) -> impl Iterator<Item = &VisiblePlace> {
        self.places.iter().filter(|place| place.how == How::ReadOnly)
    }

    /// Whether `path` is covered, or lies in what is.
    pub(in crate::sandbox) fn is_masked(&self, path: &Path) -> bool {
        self.masks.iter().any(|mask| path.starts_with(&mask.path))
    }

    /// What is shown of the machine beside the tree and the run's own folders.
    pub(in crate::sandbox) fn beside(&self) -> impl Iterator<Item = &VisiblePlace> {
        self.places.iter().filter(|place| matches!(place.how, How::ReadOnly | How::Cache))
    }

    /// The same as rules that can only allow: folders that may be listed, and what may be read with all that is below.
    pub(in crate::sandbox) fn allowed(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut listable, mut readable) = (Vec::new(), Vec::new());
        for place in self.read_only().filter(|place| !self.is_masked(&place.real)) {
            self.allow(&place.real, &mut listable, &mut readable);
        }
        // What is shown in a folder that is covered.
        let inner = self.read_only().filter(|place| self.is_masked(&place.real));
        for place in inner.filter(|place| !self.masks.iter().any(|mask| mask.path == place.real)) {
            self.allow(&place.real, &mut listable, &mut readable);
        }
        (listable, readable)
    }

    /// Whether what is at `path`, which is canonical, can be seen: it lies in a place, and in nothing that is covered there.
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
            // A rule for a link would be one for what it leads to.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link && !self.masks.iter().any(|mask| mask.path == entry.path()) {
                self.allow(&entry.path(), listable, readable);
            }
        }
    }
}

/// Something that is covered by an empty file or folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::sandbox) struct Mask {
    /// Canonical.
    #[serde(with = "as_text")]
    pub(in crate::sandbox) path: PathBuf,
    pub(in crate::sandbox) is_folder: bool,
}
