//! Removing a folder, whatever somebody made in it.
//!
//! Commands of the run decide how deep it goes, so nothing here recurses or builds a path: a folder that isn't empty is moved
//! up into the one that is being removed, and emptied there. Two handles serve any depth, and the work grows with the number
//! of names alone.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, chmodat, openat, renameat_with, unlinkat};
use rustix::io::Errno;

/// What a folder is called that was moved up.
const MOVED: &str = ".kcode-removed-";

/// How long a removal may take on which somebody waits. Tens of thousands of folders in one another take longer.
const SOON: Duration = Duration::from_secs(3);

/// Removes a folder with everything in it, folders that tests made read-only included. Links aren't followed.
///
/// # Errors
/// When something can't be removed; a folder that isn't there is gone already.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    remove_until(folder, None)
}

/// The same, for some seconds: commands of the run decide how much there is, and what is left goes with what killed runs leave.
///
/// # Errors
/// As [`remove_tree`], and when there was too much.
pub fn remove_tree_soon(folder: &Path) -> io::Result<()> {
    remove_all_soon(&[folder])
}

/// The same of several folders, all of them in as many seconds: each goes as far as there is time, and none waits for a large one
/// before it.
///
/// # Errors
/// The first of theirs.
pub fn remove_all_soon(folders: &[impl AsRef<Path>]) -> io::Result<()> {
    let (began, time) = (Instant::now(), soon());
    let share = time / 4 / u32::try_from(folders.len()).unwrap_or(u32::MAX).max(1);
    // What is small goes within its share; then what is left goes on.
    let in_share = |folder: &Path| remove_until(folder, Some(Instant::now() + share));
    let large: Vec<_> = folders.iter().map(AsRef::as_ref).filter(|folder| in_share(folder).is_err()).collect();
    large.into_iter().map(|folder| remove_until(folder, Some(began + time))).fold(Ok(()), Result::and)
}

/// So many milliseconds as a test says, whatever the machine is at. Releases have no such way (see `journal::crash`).
fn soon() -> Duration {
    if cfg!(debug_assertions)
        && let Some(said) = std::env::var("KCODE_TEST_TIME_TO_REMOVE_MS").ok().and_then(|said| said.parse().ok())
    {
        return Duration::from_millis(said);
    }
    SOON
}

/// Has nothing be at `folder`, in some seconds: what can't be removed by then lies beside it from then on, and goes with what holds it.
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
        // A link is removed itself, and so is a file.
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

/// How often a folder is listed. A listing may miss names while others are taken out of it.
const LISTINGS: u32 = 8;

struct Removal<'t> {
    top: BorrowedFd<'t>,
    /// Folders in the top one that are not empty.
    full: Vec<OsString>,
    /// Names that were given so far.
    moved: u64,
    /// The first thing that can't be removed; the rest is, nevertheless.
    failed: Option<Errno>,
    until: Option<Instant>,
}

impl Removal<'_> {
    /// Removes a folder of the top one.
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

    /// Removes or moves up what `folder` holds, until a listing finds nothing.
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
            // What is moved up is in the top folder itself; and what can't be removed would be found again and again.
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
                // Not every file system tells what is a folder.
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
                // A folder that is moved is written to: it holds the way up.
                Err(Errno::ACCESS | Errno::PERM) if !opened_up => {
                    opened_up = true;
                    chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
                }
                // Landlock lets nothing be moved between folders.
                Err(Errno::XDEV) => return self.descend(folder, name),
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes a folder where it is; where nothing can be moved, commands could move nothing either, and there is less to expect.
    fn descend(&mut self, folder: BorrowedFd<'_>, name: &OsString) -> Result<(), Errno> {
        let inner = open(folder, name)?;
        // What went wrong with it was noted.
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

/// Tries again what failed because `folder` is read-only.
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

/// Opens a folder for reading, also one that its owner was locked out of.
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
