//! Records which folders a search read, to tell later, without reading them again, that they still list the same names.
//!
//! On a local file system a folder's list can't change without its times (inode(7)), and nobody can set its change
//! time. So if the same folders are at the same paths with the same times, they list what was read. A FUSE or network
//! file system may report any times, so what lies there is read again.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Stat, StatFs, fstat, fstatfs, statat, statfs};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::journal::Digest;

/// A folder changed more recently may change again within one tick of the clock for file times, which some file systems
/// keep in whole seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// The folders that a search of one place read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct ReadFolders {
    /// Paths relative to the place.
    below: Vec<String>,
    /// Digest of the folders' identities and times.
    state: Digest,
    /// Whether it can be compared in a later run, too: each could be read, on a file system that keeps its own times.
    is_lasting: bool,
}

/// Magic numbers (statfs(2)) of file systems whose times the kernel itself keeps: ext, btrfs, XFS, tmpfs, overlayfs, f2fs,
/// squashfs, EROFS.
const LOCAL: [u64; 8] =
    [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x7371_7368, 0xe0f5_e1e2];

/// Of these overlayfs: its times are those of its layers, which may lie anywhere.
const LAYERED: u64 = 0x794c_7630;

/// Collects them during a search.
pub(super) struct Reading<'a> {
    place: &'a Path,
    below: Vec<String>,
    states: Vec<u8>,
    /// Folders changed after this time may change again unnoticed.
    settled: i128,
    /// Device of the folder recorded last, whose file system is a local one.
    local: Option<u64>,
    is_certain: bool,
    is_lasting: bool,
}

impl<'a> Reading<'a> {
    /// Begins a search of `place`.
    pub(super) fn of(place: &'a Path) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = now.saturating_sub(SETTLED).as_nanos().cast_signed();
        Self { place, below: Vec::new(), states: Vec::new(), settled, local: None, is_certain: true, is_lasting: true }
    }

    /// Records the folder at `below` before it is read, or that it can't be read.
    pub(super) fn note(&mut self, below: &Path, opened: Result<BorrowedFd<'_>, Errno>) {
        let about = match opened {
            Ok(folder) => fstat(folder).ok().filter(|about| self.is_local(about, || fstatfs(folder))),
            // It stays closed until its mode changes, which its change time tells.
            Err(Errno::ACCESS) => {
                let path = self.place.join(below);
                // Another run may have other rights.
                self.is_lasting = false;
                look(self.place, below).filter(|about| self.is_local(about, || statfs(path)))
            }
            Err(_) => None,
        };
        match (about, below.to_str()) {
            (Some(about), Some(below)) => {
                self.is_certain &= times(&about).iter().all(|time| *time < self.settled);
                add(&mut self.states, below, &about);
                self.below.push(below.to_owned());
            }
            _ => self.is_certain = false,
        }
    }

    fn is_local(&mut self, about: &Stat, system: impl FnOnce() -> rustix::io::Result<StatFs>) -> bool {
        if self.local != Some(about.st_dev) {
            let kind = system().map(|system| system.f_type as u64).ok().filter(|kind| LOCAL.contains(kind));
            self.is_lasting &= kind != Some(LAYERED);
            self.local = kind.map(|_| about.st_dev);
        }
        self.local.is_some()
    }

    /// The record; `None` if a folder's state can't be compared later.
    pub(super) fn end(self) -> Option<ReadFolders> {
        let Self { below, states, is_lasting, .. } = self;
        self.is_certain.then(|| ReadFolders { below, state: Digest::of(&states), is_lasting })
    }
}

impl ReadFolders {
    /// Whether it can be compared in a later run.
    pub(super) const fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    /// The same as [`Self::are_unchanged`] for a record of an earlier run, read from a file. Its file systems have to be of
    /// the kind that keeps its own times: a device number may have been given to another one since.
    pub(super) fn are_unchanged_since_long(&self, place: &Path) -> bool {
        let is_inside = |below: &String| Path::new(below).components().all(|part| matches!(part, Component::Normal(_)));
        let mut local = None;
        let is_local = |path: &Path, about: &Stat| {
            let kind = || statfs(path).map(|system| system.f_type as u64);
            let is_local =
                local == Some(about.st_dev) || kind().is_ok_and(|kind| kind != LAYERED && LOCAL.contains(&kind));
            local = is_local.then_some(about.st_dev);
            is_local
        };
        // A search begins with the place itself.
        let is_whole = self.below.first().is_some_and(String::is_empty) && self.below.iter().all(is_inside);
        self.is_lasting && is_whole && self.compare(place, is_local)
    }

    /// Whether the folders now at `place` are the same ones with the same lists.
    pub(in crate::sandbox) fn are_unchanged(&self, place: &Path) -> bool {
        self.compare(place, |_, _| true)
    }

    fn compare(&self, place: &Path, mut accepts: impl FnMut(&Path, &Stat) -> bool) -> bool {
        let mut states = Vec::new();
        self.below.iter().all(|below| {
            let path = joined(place, Path::new(below));
            let about = statat(CWD, &path, AtFlags::SYMLINK_NOFOLLOW).ok().filter(|about| accepts(&path, about));
            about.is_some_and(|about| {
                add(&mut states, below, &about);
                true
            })
        }) && Digest::of(&states) == self.state
    }
}

fn look(place: &Path, below: &Path) -> Option<Stat> {
    statat(CWD, joined(place, below), AtFlags::SYMLINK_NOFOLLOW).ok()
}

/// Joining an empty path would append a slash.
fn joined(place: &Path, below: &Path) -> PathBuf {
    if below.as_os_str() == OsStr::new("") { place.to_owned() } else { place.join(below) }
}

/// When the folder's list last changed, and when its metadata did.
fn times(about: &Stat) -> [i128; 2] {
    let nanoseconds = |seconds: i128, rest: i128| seconds * 1_000_000_000 + rest;
    [
        nanoseconds(about.st_mtime.into(), about.st_mtime_nsec.into()),
        nanoseconds(about.st_ctime.into(), about.st_ctime_nsec.into()),
    ]
}

fn add(states: &mut Vec<u8>, below: &str, about: &Stat) {
    states.extend_from_slice(below.as_bytes());
    states.push(0);
    states.extend(about.st_dev.to_ne_bytes());
    states.extend(about.st_ino.to_ne_bytes());
    states.extend(about.st_mode.to_ne_bytes());
    for time in times(about) {
        states.extend(time.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;

    use super::*;

    impl<'a> Reading<'a> {
        /// For tests: as if nothing had changed for long.
        pub(in crate::sandbox::visible) fn long_ago(place: &'a Path) -> Self {
            Self { settled: i128::MAX, ..Self::of(place) }
        }
    }

    fn read(mut reading: Reading<'_>) -> Option<ReadFolders> {
        let place = reading.place;
        for below in ["", "inner"] {
            let folder = File::open(place.join(below)).unwrap();
            reading.note(Path::new(below), Ok(folder.as_fd()));
        }
        reading.end()
    }

    #[test]
    fn times_of_other_file_systems_are_not_trusted() {
        let place = Path::new("/proc/self");
        let folder = File::open(place.join("task")).unwrap();
        let mut reading = Reading::long_ago(place);
        reading.note(Path::new("task"), Ok(folder.as_fd()));
        assert!(reading.end().is_none());
    }

    #[test]
    fn what_could_not_be_read_for_now_is_not_taken_as_empty() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("inner")).unwrap();
        let after = |error| {
            let mut reading = Reading::long_ago(place.path());
            reading.note(Path::new("inner"), Err(error));
            reading.end()
        };
        for error in [Errno::NFILE, Errno::MFILE, Errno::NOMEM, Errno::IO, Errno::NOENT] {
            assert_eq!(after(error), None, "{error}");
        }
        assert!(after(Errno::ACCESS).is_some_and(|read| read.are_unchanged(place.path())));
    }

    #[test]
    fn folders_are_unchanged_until_one_of_them_lists_something_else() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("old"), "").unwrap();
        let all = read(Reading::long_ago(place.path())).unwrap();
        assert!(all.are_unchanged(place.path()));
        fs::write(inner.join("old"), "content is none of its business").unwrap();
        assert!(all.are_unchanged(place.path()));
        let changed = || times(&look(&inner, Path::new("")).unwrap());
        let before = changed();
        // Within one tick of the clock a change isn't visible.
        while changed() == before {
            fs::rename(inner.join("old"), inner.join("new")).unwrap();
            fs::rename(inner.join("new"), inner.join("old")).unwrap();
        }
        assert!(!all.are_unchanged(place.path()));
    }

    #[test]
    fn another_folder_at_the_same_path_is_another() {
        let world = tempfile::tempdir().unwrap();
        let (place, other) = (world.path().join("place"), world.path().join("other"));
        for folder in [&place, &other] {
            fs::create_dir_all(folder.join("inner")).unwrap();
        }
        let all = read(Reading::long_ago(&place)).unwrap();
        assert!(!all.are_unchanged(&other));
        fs::remove_dir(place.join("inner")).unwrap();
        assert!(!all.are_unchanged(&place));
    }

    #[test]
    fn a_folder_that_has_just_changed_may_change_unseen() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("inner")).unwrap();
        assert_eq!(read(Reading::of(place.path())), None);
    }
}
