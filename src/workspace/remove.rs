//! Removes a folder, whatever somebody made in it.
//!
//! Commands of the run decide how deep it goes, so nothing here recurses or builds a path: a folder that isn't empty is
//! moved up into the one that is being removed, and emptied there. Two descriptors serve any depth, and the work grows
//! only with the number of names.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, chmodat, openat, renameat_with, unlinkat};
use rustix::io::Errno;

/// Name prefix of folders that were moved up.
const MOVED: &str = ".kcode-removed-";

/// Time limit of a removal that somebody waits for. Tens of thousands of nested folders take longer.
const SOON: Duration = Duration::from_secs(3);

/// Removes a folder with everything in it, also folders that tests made read-only. Links aren't followed.
///
/// # Errors
/// When something can't be removed; a missing folder is no error.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    remove_until(folder, None)
}

/// As [`remove_tree`], for at most a few seconds, because commands of the run decide how much there is. What is left is
/// removed later, with the leftovers of killed runs.
///
/// # Errors
/// As [`remove_tree`], and [`io::ErrorKind::TimedOut`] when there was too much.
pub fn remove_tree_soon(folder: &Path) -> io::Result<()> {
    remove_all_soon(&[folder])
}

/// As [`remove_tree_soon`] for several folders within one time limit: each is removed as far as time allows, and a
/// large one doesn't hold up those after it.
///
/// # Errors
/// The first error of any folder.
pub fn remove_all_soon(folders: &[impl AsRef<Path>]) -> io::Result<()> {
    let (began, time) = (Instant::now(), soon());
    let share = time / 4 / u32::try_from(folders.len()).unwrap_or(u32::MAX).max(1);
    // Small folders fit into their share; the remaining time goes to the others.
    let in_share = |folder: &Path| remove_until(folder, Some(Instant::now() + share));
    let large: Vec<_> = folders.iter().map(AsRef::as_ref).filter(|folder| in_share(folder).is_err()).collect();
    large.into_iter().map(|folder| remove_until(folder, Some(began + time))).fold(Ok(()), Result::and)
}

/// The time limit; tests may set it in milliseconds. Release builds ignore the variable (see `journal::crash`).
fn soon() -> Duration {
    if cfg!(debug_assertions)
        && let Some(said) = std::env::var("KCODE_TEST_TIME_TO_REMOVE_MS").ok().and_then(|said| said.parse().ok())
    {
        return Duration::from_millis(said);
    }
    SOON
}

/// Makes sure that nothing exists at `folder`, within a few seconds: what can't be removed by then is renamed beside
/// it, and removed with the folder that holds it.
///
/// # Errors
/// As [`remove_tree`], and when it can't be renamed.
pub fn vacate(folder: &Path) -> io::Result<()> {
    put_aside(folder, remove_tree_soon(folder))
}

fn put_aside(folder: &Path, removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            std::fs::rename(folder, folder.with_file_name(format!("{MOVED}{:016x}", fastrand::u64(..))))
        }
        removed => removed,
    }
}

fn remove_until(folder: &Path, until: Option<Instant>) -> io::Result<()> {
    let top = match open(CWD, folder) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        // A link or a file is removed itself.
        Err(Errno::NOTDIR | Errno::LOOP) => return gone(unlinkat(CWD, folder, AtFlags::empty())),
        Err(error) => return Err(error.into()),
    };
    let mut removal = Removal { top: top.as_fd(), full: Vec::new(), moved: 0, failed: None, until };
    let mut last = Ok(());
    for _ in 0..LISTINGS {
        removal.empty(top.as_fd(), true)?;
        while let Some(name) = removal.full.pop() {
            removal.remove(&name)?;
        }
        if let Some(error) = removal.failed {
            return Err(error.into());
        }
        last = gone(unlinkat(CWD, folder, AtFlags::REMOVEDIR));
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Maximum number of listings of a folder. A listing may miss names while others are removed.
const LISTINGS: u32 = 8;

struct Removal<'t> {
    top: BorrowedFd<'t>,
    /// Folders in the top one that aren't empty.
    full: Vec<OsString>,
    /// Number of names used for moved folders.
    moved: u64,
    /// The first failure; the rest is removed nevertheless.
    failed: Option<Errno>,
    until: Option<Instant>,
}

impl Removal<'_> {
    /// Removes a folder that lies in the top one.
    fn remove(&mut self, name: &OsString) -> io::Result<()> {
        match open(self.top, name) {
            Ok(folder) => self.empty(folder.as_fd(), false)?,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => self.failed = self.failed.or(Some(error)),
        }
        let removed = unlinkat(self.top, name, AtFlags::REMOVEDIR);
        self.note(removed);
        Ok(())
    }

    /// Removes or moves up what `folder` holds, until a listing is empty.
    fn empty(&mut self, folder: BorrowedFd<'_>, is_top: bool) -> io::Result<()> {
        let mut listing = Dir::read_from(folder)?;
        for _ in 0..LISTINGS {
            let mut found = false;
            while let Some(entry) = listing.read() {
                let entry = entry?;
                let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
                if name != "." && name != ".." {
                    found = true;
                    if self.until.is_some_and(|until| Instant::now() >= until) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let done = self.take(folder, name, entry.file_type(), is_top);
                    self.note(done);
                }
            }
            // What was moved up is in the top folder itself, and what can't be removed would be found again and again.
            if !found || is_top || self.failed.is_some() {
                break;
            }
            listing.rewind();
        }
        Ok(())
    }

    fn take(&mut self, folder: BorrowedFd<'_>, name: OsString, kind: FileType, is_top: bool) -> Result<(), Errno> {
        if kind != FileType::Directory {
            match unlinkat(folder, &name, AtFlags::empty()) {
                // Not every file system reports the type of an entry.
                Err(Errno::ISDIR | Errno::PERM) if kind == FileType::Unknown => {}
                done => return writable(folder, done, || unlinkat(folder, &name, AtFlags::empty())),
            }
        }
        match writable(folder, unlinkat(folder, &name, AtFlags::REMOVEDIR), || {
            unlinkat(folder, &name, AtFlags::REMOVEDIR)
        }) {
            Err(Errno::NOTEMPTY | Errno::EXIST) if is_top => self.full.push(name),
            Err(Errno::NOTEMPTY | Errno::EXIST) => self.move_up(folder, &name)?,
            done => return done,
        }
        Ok(())
    }

    fn move_up(&mut self, folder: BorrowedFd<'_>, name: &OsString) -> Result<(), Errno> {
        let mut opened_up = false;
        loop {
            self.moved += 1;
            let new = OsString::from(format!("{MOVED}{}", self.moved));
            match renameat_with(folder, name, self.top, &new, RenameFlags::NOREPLACE) {
                Ok(()) => {
                    self.full.push(new);
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                // Moving a folder writes to it, because its `..` changes.
                Err(Errno::ACCESS | Errno::PERM) if !opened_up => {
                    opened_up = true;
                    chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
                }
                // Landlock forbids moves between folders.
                Err(Errno::XDEV) => return self.descend(folder, name),
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes a folder in place, recursively. Where nothing can be moved, commands couldn't move anything either, and
    /// the nesting is limited.
    fn descend(&mut self, folder: BorrowedFd<'_>, name: &OsString) -> Result<(), Errno> {
        let inner = open(folder, name)?;
        // Failures inside it are recorded already.
        self.empty(inner.as_fd(), false).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        drop(inner);
        unlinkat(folder, name, AtFlags::REMOVEDIR)
    }

    fn note(&mut self, done: Result<(), Errno>) {
        match done {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => self.failed = self.failed.or(Some(error)),
        }
    }
}

/// Retries what failed because `folder` is read-only.
fn writable(
    folder: BorrowedFd<'_>,
    done: Result<(), Errno>,
    again: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), Errno> {
    match done {
        Err(Errno::ACCESS) => {
            rustix::fs::fchmod(folder, Mode::RWXU)?;
            again()
        }
        done => done,
    }
}

/// Opens a folder for reading, also one that its owner may not read.
fn open(above: BorrowedFd<'_>, name: impl rustix::path::Arg + Copy) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(above, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            chmodat(above, name, Mode::RWXU, AtFlags::empty())?;
            openat(above, name, flags, Mode::empty())
        }
        opened => opened,
    }
}

fn gone(done: Result<(), Errno>) -> io::Result<()> {
    match done {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn whatever_was_made_is_removed_and_what_links_lead_to_stays() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let (gone, stays) = (world.path().join("gone"), world.path().join("stays"));
        fs::create_dir_all(gone.join("a/b/c")).expect("folders");
        fs::create_dir_all(gone.join("full/of")).expect("folders");
        fs::create_dir(gone.join(format!("{MOVED}1"))).expect("a name that is taken");
        fs::write(gone.join(format!("{MOVED}1/x")), "x").expect("a file");
        fs::create_dir(&stays).expect("a folder");
        fs::write(stays.join("file"), "kept").expect("a file");
        symlink(&stays, gone.join("a/b/link")).expect("a link");
        fs::write(gone.join("a/b/c/file"), "x").expect("a file");
        for locked in ["a/b/c", "a/b", "full"] {
            fs::set_permissions(gone.join(locked), Permissions::from_mode(0o000)).expect("a mode");
        }
        remove_tree(&gone).expect("a removal");
        assert!(!gone.exists());
        assert_eq!(fs::read(stays.join("file")).expect("the file"), b"kept");
        symlink(&stays, &gone).expect("a link");
        remove_tree(&gone).expect("a removal");
        assert!(stays.join("file").exists() && gone.symlink_metadata().is_err());
        remove_tree(&gone).expect("nothing to remove");
    }

    #[test]
    fn depth_takes_no_handles_and_no_stack() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let gone = world.path().join("gone");
        fs::create_dir(&gone).expect("a folder");
        let mut at = open(CWD, gone.as_path()).expect("the folder");
        for _ in 0..1500 {
            rustix::fs::mkdirat(&at, "deeper", Mode::RWXU).expect("a folder");
            rustix::fs::mkdirat(&at, "beside", Mode::empty()).expect("a folder");
            at = open(at.as_fd(), "deeper").expect("the folder");
        }
        drop(at);
        // The test's thread has a stack of 2 MB.
        remove_tree(&gone).expect("a removal");
        assert!(!gone.exists());
    }

    #[test]
    fn what_takes_longer_is_left_and_goes_later() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let gone = world.path().join("gone");
        fs::create_dir_all(gone.join("a/b/c")).expect("folders");
        let late = remove_until(&gone, Some(Instant::now())).expect_err("no time");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(gone.exists());
        put_aside(&gone, Err(late)).expect("a free place");
        assert!(!gone.exists());
        let aside = fs::read_dir(world.path()).expect("a listing").next().expect("what was left").expect("an entry");
        remove_tree_soon(&aside.path()).expect("a removal");
        assert!(!aside.path().exists());
    }
}
