//! Walks the shown places: some hundred folders before the first request, in the host and in the proof.
//!
//! So entries cost no allocation, no system call is made per entry unless the folder's list lacks its type, and places
//! are walked in parallel.

use std::collections::VecDeque;
use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, RawMode, openat, statat};
use rustix::io::Errno;

/// Bytes of a folder's list read at once.
const AT_ONCE: usize = 32 << 10;
/// Most threads; more would wait for each other rather than for the disk.
const MOST_THREADS: usize = 8;

/// How far a place is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Bound {
    /// Levels of folders below it.
    depth: usize,
    /// Most entries looked at.
    entries: usize,
}

impl Bound {
    /// For toolchains.
    pub(in crate::sandbox) const USUAL: Self = Self { depth: 3, entries: 2_000 };
    /// For places that a person named.
    pub(in crate::sandbox) const OF_WORK: Self = Self { depth: 10, entries: 20_000 };
    /// For folders of the tree itself.
    pub(in crate::sandbox) const TOP: Self = Self { depth: 0, entries: 2_000 };
}

/// An entry of a place.
pub(in crate::sandbox) struct WalkEntry<'a> {
    pub(in crate::sandbox) path: &'a Path,
    /// Path relative to the place.
    pub(in crate::sandbox) below: &'a Path,
    pub(in crate::sandbox) kind: FileType,
    folder: BorrowedFd<'a>,
    name: &'a CStr,
}

impl WalkEntry<'_> {
    /// Its mode; a link's own, not its target's.
    pub(super) fn mode(&self) -> Option<RawMode> {
        statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|about| about.st_mode)
    }

    /// Asks for the type where the file system's lists don't hold it.
    fn asked(self) -> Self {
        if self.kind != FileType::Unknown {
            return self;
        }
        let about = statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW);
        let kind = about.map_or(FileType::Unknown, |about| FileType::from_raw_mode(about.st_mode));
        Self { kind, ..self }
    }
}

/// The entries below `place` that satisfy `is_it`, and whether each is a folder. Links aren't followed, and matching
/// folders aren't entered.
pub(in crate::sandbox) fn walk(
    place: &Path,
    bound: Bound,
    is_it: impl Fn(&WalkEntry<'_>) -> bool,
) -> Vec<(PathBuf, bool)> {
    walk_noting(place, bound, is_it, |_, _| ())
}

/// As [`walk`]; `note` is called for each folder before it is read, with its relative path, and with the error if it
/// can't be opened or read to its end.
pub(super) fn walk_noting(
    place: &Path,
    bound: Bound,
    is_it: impl Fn(&WalkEntry<'_>) -> bool,
    mut note: impl FnMut(&Path, Result<BorrowedFd<'_>, Errno>),
) -> Vec<(PathBuf, bool)> {
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut buffer = vec![MaybeUninit::uninit(); AT_ONCE];
    let above = place.as_os_str().len() + usize::from(!place.as_os_str().as_bytes().ends_with(b"/"));
    let mut ahead = VecDeque::from([(place.to_owned(), 0)]);
    while let Some((folder, level)) = ahead.pop_front() {
        let opened = openat(CWD, &folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        note(below(&folder, above), opened.as_ref().map(AsFd::as_fd).map_err(|error| *error));
        let Ok(list) = opened else { continue };
        let mut entries = RawDir::new(list.as_fd(), &mut buffer);
        let mut path = folder;
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    note(below(&path, above), Err(error));
                    break;
                }
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            seen += 1;
            if seen > bound.entries {
                return found;
            }
            path.push(OsStr::from_bytes(name.to_bytes()));
            let entry = WalkEntry {
                path: &path,
                below: below(&path, above),
                kind: entry.file_type(),
                folder: list.as_fd(),
                name,
            }
            .asked();
            let is_folder = entry.kind.is_dir();
            if is_it(&entry) {
                found.push((path.clone(), is_folder));
            } else if is_folder && level < bound.depth {
                ahead.push_back((path.clone(), level + 1));
            }
            path.pop();
        }
    }
    found
}

/// `path` without its first `above` bytes.
fn below(path: &Path, above: usize) -> &Path {
    Path::new(OsStr::from_bytes(path.as_os_str().as_bytes().get(above..).unwrap_or_default()))
}

/// Number of threads that may search in parallel.
pub(in crate::sandbox) fn all_processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Applies `look` to each of `places`, in parallel; the results are in their order.
pub(in crate::sandbox) fn beside_each_other<T: Sync, R: Send>(
    places: &[T],
    threads: usize,
    look: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(places.len())));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(at) else { break };
            let result = look(place);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(MOST_THREADS).min(places.len()) {
            // If a thread can't be started, this one does the rest.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
