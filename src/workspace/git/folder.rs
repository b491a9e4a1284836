//! A temporary folder that is gone with the process that made it, whatever ends that.
//!
//! A killed process leaves its folders. Each is locked as long as somebody uses it, so that the next process clears away those that
//! nobody does.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::fs::OFlags;

use crate::workspace::remove_tree;

const PREFIX: &str = "kcode-git-";
/// How often a new one may be taken for one that was left.
const ATTEMPTS: usize = 5;

/// Those that this process has; `None` once it ends.
static OPEN: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

/// Removes the folders of threads that are still at work when the process ends, and lets none be made any more.
pub fn remove_temporary() {
    for path in open_folders().take().into_iter().flatten() {
        // Whatever can't be removed now, the next process tries again.
        let _ = remove_tree(&path);
    }
}

fn open_folders() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    // Each change of the set is one step, so a panic in between breaks nothing.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder.
#[derive(Debug)]
pub(super) struct GitFolder {
    path: PathBuf,
    /// Locked.
    _held: File,
}

impl GitFolder {
    /// One in the user's place for what is temporary, and never below `root`: nothing is written to a tree.
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
            // Another process may have taken it for one that was left, before it was locked.
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
        // Whatever can't be removed now, the next process tries again.
        let _ = remove_tree(&self.path);
        if let Some(folders) = open_folders().as_mut() {
            folders.remove(&self.path);
        }
    }
}

/// Removes what processes that are gone left in `place`.
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

/// The folder itself, and nothing that a link leads to.
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
