//! The temporary folder of a verification.
//!
//! A killed verification leaves its folder; the next one removes it, because its lock is free.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::output;
use crate::journal::open_own;
use crate::run::Failure;
use crate::workspace::remove_tree_soon;

const LOCK: &str = "lock";

/// A temporary folder below the state folder; dropping it removes it.
pub(super) struct ScratchFolder {
    folder: PathBuf,
    lock: PathBuf,
    /// Held as long as the folder exists.
    _held: File,
}

impl ScratchFolder {
    /// Makes a folder below `state`.
    ///
    /// # Errors
    /// When it can't be made.
    pub(super) fn make(state: &Path) -> Result<Self, Failure> {
        let all = state.join("verifications");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&all).and_then(|()| {
            sweep(&all);
            Self::in_folder(&all)
        });
        Ok(made.with_context(|| format!("{} can't hold a verification", all.display()))?)
    }

    fn in_folder(all: &Path) -> io::Result<Self> {
        let folder = all.join(format!("{:016x}", fastrand::u64(..)));
        let lock = folder.with_extension(LOCK);
        // The lock exists first, so that no other process takes the folder for a leftover.
        let held = File::create_new(&lock)?;
        held.try_lock()?;
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder: folder.canonicalize()?, lock, _held: held })
    }

    /// A path inside the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes the folder, and reports when a part of it stays.
    pub(super) fn remove(self) {
        let folder = self.folder.clone();
        drop(self);
        if folder.exists() {
            let left = folder.display();
            output::say(&format!(
                "{left} is not all removed: tests left too many files, or files that can't be removed; the next verification tries again"
            ));
        }
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // Tests decide how much there is; what stays is removed by the next verification.
        if remove_tree_soon(&self.folder).is_ok() {
            let _ = fs::remove_file(&self.lock);
        }
    }
}

/// Removes what killed verifications left.
fn sweep(all: &Path) {
    let locks = fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path());
    for lock in locks.filter(|path| path.extension().is_some_and(|name| name == LOCK)) {
        let abandoned = open_own(&lock).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned && remove_tree_soon(&lock.with_extension("")).is_ok() {
            let _ = fs::remove_file(&lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder.join("verifications")).unwrap().count()
    }

    #[test]
    fn it_leaves_nothing_and_clears_away_what_others_left() {
        let state = tempfile::tempdir().unwrap();
        let all = state.path().join("verifications");
        fs::create_dir_all(all.join("left/deep")).unwrap();
        fs::write(all.join("left.lock"), "").unwrap();
        let first = ScratchFolder::make(state.path()).unwrap();
        let second = ScratchFolder::make(state.path()).unwrap();
        assert_eq!(names(state.path()), 4, "two folders and their locks");
        assert!(first.path("").is_dir() && second.path("").is_dir());
        drop((first, second));
        assert_eq!(names(state.path()), 0);
    }
}
