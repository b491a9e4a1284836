//! Which paths of the view may differ from the start: what lies in the upper layer, and what it hides of the lower one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::layers::{Above, Layers};
use super::rules::{Ground, Rules, When};
use crate::workspace::file_state::is_of_git;
use crate::workspace::patch::LeftOutReason;

/// What a walk came by.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Files that may differ.
    pub(super) files: BTreeSet<PathBuf>,
    /// Folders that could not be judged.
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
}

/// Walks through the upper layer.
pub(super) fn walk(ground: &Ground, rules: &mut Rules<'_>) -> Walked {
    let mut walk = Walk { layers: &ground.layers, rules, walked: Walked::default() };
    walk.enter(Path::new(""), true);
    walk.walked
}

struct Walk<'w, 'g> {
    layers: &'w Layers,
    rules: &'w mut Rules<'g>,
    walked: Walked,
}

impl Walk<'_, '_> {
    /// Goes through a folder of the upper layer; `merged` tells whether the lower one shows in it.
    fn enter(&mut self, folder: &Path, merged: bool) {
        if !folder.as_os_str().is_empty() && !self.rules.is_sane(folder) {
            self.walked.left_out.insert(folder.to_owned(), LeftOutReason::IgnoreRules);
        }
        if self.through(folder, merged).is_err() {
            self.walked.left_out.insert(folder.to_owned(), LeftOutReason::Unreadable);
        }
    }

    fn through(&mut self, folder: &Path, merged: bool) -> io::Result<()> {
        let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for entry in self.layers.upper.read_dir(place)? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if is_of_git(&path) {
                continue;
            }
            match Above::of(&entry.metadata()?) {
                Above::Folder if self.rules.passes_over(&path) => {}
                Above::Folder => {
                    let shows = merged && self.layers.merges(&path)?;
                    if merged && !shows {
                        self.hidden(&path);
                    }
                    self.enter(&path, shows);
                }
                Above::Whiteout | Above::Other if merged => self.hidden(&path),
                Above::Whiteout => {}
                Above::Nothing | Above::Other => self.add(path),
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf) {
        self.walked.files.insert(path);
    }

    /// `path`, and what the lower layer has below it: that doesn't show any more.
    fn hidden(&mut self, path: &Path) {
        if self.layers.is_folder_below(path) && self.hidden_folder(path).is_err() {
            self.walked.left_out.insert(path.to_owned(), LeftOutReason::Unreadable);
        }
        self.add(path.to_owned());
    }

    fn hidden_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.rules.ignores(When::Start, folder, true) && !self.rules.tracks_below(folder) {
            return Ok(());
        }
        for entry in self.layers.lower.read_dir(folder)? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                _ if is_of_git(&path) => {}
                true => self.hidden_folder(&path)?,
                false => self.add(path),
            }
        }
        Ok(())
    }
}
