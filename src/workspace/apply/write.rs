//! Carries out a plan: stages contents in a folder in the tree, then renames them into place.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _, Permissions, PermissionsExt as _};

use super::plan::{Plan, PlannedFile};
use super::{ApplyError, Doing, check};
use crate::journal::{crash, is_disk_failure};
use crate::workspace::{Blobs, FileMode, FileState, file_state};

type Step = Result<(), (PathBuf, io::Error)>;

impl Plan {
    /// Writes everything or nothing. Replaced contents stay in the staging folder until [`Plan::clear`].
    pub(super) fn write(&self, tree: &Dir, blobs: &Blobs, doing: Doing) -> Result<(), ApplyError> {
        let staged = self.stage_all(tree, blobs, doing).and_then(|()| check(tree, &self.changes(), doing));
        staged.inspect_err(|_| self.clear(tree))?;
        self.put_all(tree).map_err(|(path, source)| {
            let stuck = self.roll_back(tree, blobs).stuck;
            if stuck.is_empty() {
                self.clear(tree);
                ApplyError::Write { path, source, doing }
            } else {
                ApplyError::HalfWay { path, source, stuck }
            }
        })
    }

    /// Removes the staging folder with the replaced contents.
    pub(super) fn clear(&self, tree: &Dir) {
        drop(tree.remove_dir_all(self.staging.as_path()));
    }

    /// A path in the staging folder.
    pub(super) fn staged(&self, kind: &str, index: usize) -> PathBuf {
        self.staging.as_path().join(format!("{kind}-{index}"))
    }

    /// Writes every new content to the staging folder, with its final mode.
    fn stage_all(&self, tree: &Dir, blobs: &Blobs, doing: Doing) -> Result<(), ApplyError> {
        let failed = |path: &Path, source| ApplyError::Write { path: path.to_owned(), source, doing };
        let staging = self.staging.as_path();
        tree.create_dir(staging).map_err(|source| failed(staging, source))?;
        crash::point("staging made");
        for (index, file) in self.files.iter().enumerate() {
            let path = &file.change.path;
            let Some(after) = file.change.after else { continue };
            let content =
                blobs.read(after.sha256).map_err(|source| ApplyError::Content { path: path.clone(), source, doing })?;
            stage(tree, &self.staged("new", index), after, &content, file.bits_after)
                .map_err(|source| failed(path.as_path(), source))?;
            crash::point("staged");
        }
        sync(tree, staging).map_err(|source| failed(staging, source))
    }

    /// Deletes first, so that a file can replace a folder and the other way round.
    fn put_all(&self, tree: &Dir) -> Step {
        let files = || self.files.iter().enumerate();
        for (index, file) in files().filter(|(_, file)| file.change.after.is_none()) {
            let path = file.change.path.as_path();
            let old = self.staged("old", index);
            tree.rename(path, tree, &old).and_then(|()| is_still(tree, &old, file)).map_err(at(path))?;
            crash::point("moved away");
        }
        for folder in &self.remove {
            // Fails when the folder isn't empty; it stays then.
            drop(tree.remove_dir(folder.path.as_path()));
            crash::point("folder removed");
        }
        for folder in &self.make {
            tree.create_dir(folder.path.as_path()).map_err(at(folder.path.as_path()))?;
            crash::point("folder made");
        }
        for (index, file) in files().filter(|(_, file)| file.change.after.is_some()) {
            self.place(tree, index, file).map_err(at(file.change.path.as_path()))?;
            crash::point("placed");
        }
        // Last, because the final mode may forbid the owner to write.
        for folder in &self.make {
            let Some(bits) = folder.bits else { continue };
            tree.set_permissions(folder.path.as_path(), Permissions::from_mode(bits))
                .map_err(at(folder.path.as_path()))?;
            crash::point("folder as it was");
        }
        self.sync_all(tree)
    }

    fn place(&self, tree: &Dir, index: usize, file: &PlannedFile) -> io::Result<()> {
        let path = file.change.path.as_path();
        if file.change.before.is_some() {
            let old = self.staged("old", index);
            // A hard link keeps the old content while the rename replaces it, so that the path always exists. Some file
            // systems have no hard links.
            tree.hard_link(path, tree, &old).or_else(|_| tree.rename(path, tree, &old))?;
            is_still(tree, &old, file)?;
            crash::point("kept the old content");
        } else if tree.symlink_metadata(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something is there already"));
        }
        tree.rename(self.staged("new", index), tree, path)
    }

    /// Syncs every folder with a new or a removed name.
    pub(super) fn sync_all(&self, tree: &Dir) -> Step {
        let files = self.files.iter().map(|file| &file.change.path);
        let touched = files.chain(self.make.iter().chain(&self.remove).map(|folder| &folder.path));
        let folders: BTreeSet<&Path> = touched.filter_map(|path| path.as_path().parent()).collect();
        folders.into_iter().try_for_each(|folder| sync(tree, folder).map_err(at(folder)))
    }
}

/// Checks that what was moved aside is what was checked: somebody may have saved the file in between.
fn is_still(tree: &Dir, old: &Path, file: &PlannedFile) -> io::Result<()> {
    if file_state::state(tree, old)? == file.change.before {
        return Ok(());
    }
    Err(io::Error::other("it changed at this very moment"))
}

/// Writes a content with its mode, durably.
pub(super) fn stage(tree: &Dir, path: &Path, state: FileState, content: &[u8], bits: Option<u32>) -> io::Result<()> {
    if state.mode.is_symlink() {
        return tree.symlink_contents(file_state::as_path(content), path);
    }
    let mode = if state.mode == FileMode::Executable { 0o777 } else { 0o666 };
    let mut file = tree.open_with(path, OpenOptions::new().write(true).create_new(true).mode(mode))?;
    file.write_all(content)?;
    if let Some(bits) = bits {
        file.set_permissions(Permissions::from_mode(bits))?;
    }
    file.sync_all()
}

/// Syncs a folder. Some file systems can't, and a removed folder needn't be.
fn sync(tree: &Dir, folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = tree.open_dir(folder).and_then(|folder| folder.into_std_file().sync_all());
    synced.or_else(|error| if is_disk_failure(&error) { Err(error) } else { Ok(()) })
}

fn at(path: &Path) -> impl Fn(io::Error) -> (PathBuf, io::Error) {
    |source| (path.to_owned(), source)
}
