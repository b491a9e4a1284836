//! Temporary folders that are removed with the process that made them, however it ends.
//!
//! A killed process leaves its folders behind. Each is locked while it is in use, so the next process removes those
//! that are unlocked.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::fs::OFlags;

use crate::workspace::remove_tree;

const PREFIX: &str = "kcode-git-";
/// How often another process may remove a new folder before it is locked.
const ATTEMPTS: usize = 5;

/// Folders of this process; `None` once it is ending.
static OPEN: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

/// Removes the folders of threads that still run when the process ends, and prevents new ones.
pub fn remove_temporary() {
    for path in open_folders().take().into_iter().flatten() {
        // The next process tries again.
        let _ = remove_tree(&path);
    }
}

fn open_folders() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    // Each change of the set is one step, so a panic in between breaks nothing.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(super) struct GitFolder {
    path: PathBuf,
    _held: File,
}

impl GitFolder {
    /// Creates a folder in the user's temporary folder, but never below `root`: nothing is written to a tree.
    pub(super) fn make(root: &Path) -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        let place = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| PathBuf::from("/tmp"));
        let place = if place.starts_with(root) { PathBuf::from("/tmp") } else { place };
        SWEPT.call_once(|| sweep(&place));
        for _ in 0..ATTEMPTS {
            let path = place.join(format!("{PREFIX}{:016x}", fastrand::u64(..)));
            let mut folders = open_folders();
            let Some(folders) = folders.as_mut() else { return Err(io::Error::other("kcode is about to end")) };
            DirBuilder::new().mode(0o700).create(&path)?;
            folders.insert(path.clone());
            // Another process may have removed it as left behind before it was locked.
            let held = open(&path).ok().filter(|held| held.try_lock().is_ok() && is_same(held, &path));
            if let Some(held) = held {
                return Ok(Self { path, _held: held });
            }
        }
        Err(io::Error::other("a temporary folder is taken away again and again"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for GitFolder {
    fn drop(&mut self) {
        // The next process tries again.
        let _ = remove_tree(&self.path);
        if let Some(folders) = open_folders().as_mut() {
            folders.remove(&self.path);
        }
    }
}

/// Removes what ended processes left in `place`.
fn sweep(place: &Path) {
    let is_one = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
    for path in fs::read_dir(place).into_iter().flatten().flatten().filter(is_one).map(|entry| entry.path()) {
        let is_ours =
            |held: &File| held.metadata().is_ok_and(|about| about.uid() == rustix::process::geteuid().as_raw());
        let held = open(&path).ok().filter(|held| is_ours(held) && held.try_lock().is_ok());
        if held.is_some_and(|held| is_same(&held, &path)) {
            let _ = remove_tree(&path);
        }
    }
}

/// Opens the folder itself, never through a link.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn is_same(held: &File, path: &Path) -> bool {
    let about = |about: fs::Metadata| (about.dev(), about.ino());
    held.metadata().ok().map(about) == fs::symlink_metadata(path).ok().map(about)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_nobody_holds_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["kcode-git-left/deep", "kcode-git-held", "kcode-other", "kept"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        symlink(at("kept"), at("kcode-git-link")).unwrap();
        let held = open(&at("kcode-git-held")).unwrap();
        held.try_lock().unwrap();
        sweep(place.path());
        let mut names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["kcode-git-held", "kcode-git-link", "kcode-other", "kept"]);
        assert!(at("kept").is_dir());
    }

    #[test]
    fn it_is_gone_with_the_value() {
        let made = GitFolder::make(Path::new("/nowhere")).unwrap();
        let path = made.path().to_owned();
        fs::write(path.join("file"), "").unwrap();
        drop(made);
        assert!(!path.exists());
    }
}
