//! The way back from any point of a plan.
//!
//! What was done is told by what stands in the tree, not by what a process remembers: the same code serves a step that
//! failed, a process that was killed, and a machine that lost its power. A file that is neither what it was nor what it was
//! to be is somebody else's, and stays.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, Permissions, PermissionsExt as _};

use super::plan::{Plan, PlannedFile};
use super::write::stage;
use crate::journal::{RelPath, crash};
use crate::workspace::file_state::{self, Found};
use crate::workspace::{Blobs, FileState};

/// What a way back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Returned {
    /// Files that somebody changed meanwhile: they stay so.
    pub theirs: Vec<RelPath>,
    /// Files that could not be put back, with why.
    pub stuck: Vec<String>,
}

impl Returned {
    fn note(&mut self, file: &PlannedFile, step: io::Result<Step>) {
        match step {
            Ok(Step::Done) => {}
            Ok(Step::Theirs) => self.theirs.push(file.change.path.clone()),
            Err(error) => self.stuck.push(format!("{} ({error})", file.change.path)),
        }
        crash::point("file taken back");
    }
}

enum Step {
    Done,
    Theirs,
}

impl Plan {
    /// Puts everything back that is ours to put back. The staging folder stays.
    pub fn roll_back(&self, tree: &Dir, blobs: &Blobs) -> Returned {
        let mut returned = Returned::default();
        let files = || self.files.iter().enumerate().rev();
        for (_, file) in files().filter(|(_, file)| file.change.before.is_none()) {
            returned.note(file, take_out(tree, file));
        }
        for folder in self.make.iter().rev() {
            // What somebody put into it meanwhile keeps it.
            drop(tree.remove_dir(folder.path.as_path()));
            crash::point("folder taken back");
        }
        for folder in self.remove.iter().rev() {
            let path = folder.path.as_path();
            if tree.create_dir(path).is_ok() {
                let bits = folder.bits.map(Permissions::from_mode);
                drop(bits.map(|bits| tree.set_permissions(path, bits)));
            }
            crash::point("folder brought back");
        }
        for (index, file) in files() {
            if let Some(before) = file.change.before {
                returned.note(file, self.bring_back(tree, blobs, index, before));
            }
        }
        drop(self.sync_all(tree));
        returned
    }

    /// The old content comes back to where nothing is, or the new content.
    fn bring_back(&self, tree: &Dir, blobs: &Blobs, index: usize, before: FileState) -> io::Result<Step> {
        let file = &self.files[index];
        let path = file.change.path.as_path();
        match state(tree, path)? {
            Some(now) if now == before => return Ok(Step::Done),
            Some(now) if Some(now) != file.change.after => return Ok(Step::Theirs),
            _ => {}
        }
        // What was moved aside is whole, and is what stood there last, also where somebody saved it at that moment.
        let old = self.staged("old", index);
        if let Ok(Some(kept)) = state(tree, &old) {
            let step = if kept == before { Step::Done } else { Step::Theirs };
            return tree.rename(&old, tree, path).map(|()| step);
        }
        let back = self.staged("back", index);
        let _ = tree.create_dir(self.staging.as_path());
        let _ = tree.remove_file(&back);
        stage(tree, &back, before, &blobs.read(before.sha256)?, file.bits_before)?;
        tree.rename(&back, tree, path).map(|()| Step::Done)
    }
}

/// A new content goes; anything else that stands there isn't ours.
fn take_out(tree: &Dir, file: &PlannedFile) -> io::Result<Step> {
    let path = file.change.path.as_path();
    match state(tree, path) {
        Ok(now @ Some(_)) if now == file.change.after => tree.remove_file(path).map(|()| Step::Done),
        Ok(Some(_)) => Ok(Step::Theirs),
        _ => Ok(Step::Done),
    }
}

/// The file that stands at `path`; a folder or a device is an error.
fn state(tree: &Dir, path: &Path) -> io::Result<Option<FileState>> {
    match file_state::look(tree, path)? {
        Found::Folder => Err(io::Error::other("a folder is there")),
        Found::Special => Err(io::Error::other("not a file")),
        Found::Nothing | Found::File(..) => file_state::state(tree, path),
    }
}
