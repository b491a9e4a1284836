//! Copies the selected files into the view: by reflink where the file system shares blocks, else byte by byte, never by
//! hard link. The hashes of what was copied are the view's start, whatever happens to the original meanwhile. Each
//! folder is opened relative to its parent's descriptor, so that one that is swapped for a link during the copy leads
//! nowhere.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use rustix::fs::{AtFlags, Mode, OFlags, ioctl_ficlone, openat, symlinkat, unlinkat};
use rustix::io::Errno;

use super::error::io_error;
use super::file_state::{self, BUFFER, PathState};
use super::manifest::{Copied, Manifest, Stamp};
use super::paths::PathList;
use super::selection::Selection;
use super::trail::Trail;
use super::{FileMode, WorkspaceError};
use crate::journal::Digest;
use crate::settings::{Environment, HardLinks, RepositoryGate, linked_secrets_of_home};

/// Bytes. A larger untracked file is data rather than source.
const UNTRACKED_FILE_LIMIT: u64 = 100 << 20;
/// Total bytes of untracked files.
const UNTRACKED_LIMIT: u64 = 4 << 30;
/// Files that a thread takes at once.
const BATCH: usize = 64;
/// Flags for opening an original: no link is followed, no pipe waited for.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
/// Flags for creating a copy.
const CREATE: OFlags =
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

pub(super) struct CopyResult {
    pub(super) manifest: Manifest,
    pub(super) notes: Vec<String>,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Copies all of `selection` from `source` to `view`, an empty folder. `stop` cancels the copy.
pub(super) fn copy(
    source: &Path,
    view: &Path,
    selection: Selection,
    stop: &AtomicBool,
) -> Result<CopyResult, WorkspaceError> {
    let Selection { paths, notes: unseen, .. } = selection;
    let mut files: Vec<Option<Copied>> = vec![None; paths.len()];
    make_folders(view, paths.iter())?;
    let open = |folder: &Path| Dir::open_ambient_dir(folder, ambient_authority()).map_err(io_error("open", folder));
    let (root, copy) = (open(source)?, open(view)?);
    let gate = RepositoryGate::new(root).with_secrets_elsewhere(linked_secrets_of_home(&Environment::from_process()));
    let job = CopyJob {
        view,
        paths: &paths,
        gate,
        reflink: AtomicBool::new(true),
        untracked: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        notes: Mutex::default(),
    };
    let batches = Mutex::new(files.chunks_mut(BATCH).enumerate());
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let work = || -> Result<(), WorkspaceError> {
        let mut buffer = vec![0; BUFFER];
        let (mut from, mut to) = (Trail::at(job.gate.root()), Trail::at(&copy));
        loop {
            let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, slots)) = batch else { return Ok(()) };
            if stop.load(Ordering::Relaxed) {
                return Err(WorkspaceError::Stopped);
            }
            for (offset, slot) in slots.iter_mut().enumerate() {
                *slot = job.copy_one(number * BATCH + offset, &mut from, &mut to, &mut buffer)?;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // A panicking thread is a bug; it becomes an error of the copy.
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(io_error("copy", source)(io::Error::other("a copying thread died"))))
        };
        workers.into_iter().map(join).collect::<Result<Vec<()>, _>>()
    })?;
    let bytes = job.bytes.into_inner();
    let mut notes = job.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
    notes.sort();
    let copied = files.iter().flatten().count() as u64;
    let manifest = Manifest { paths, files, settled_ns: settled_ns() };
    Ok(CopyResult { manifest, notes: [unseen, notes].concat(), files: copied, bytes })
}

/// Nanoseconds since the epoch from which on a stamp is too young to be trusted: clocks of file systems tick up to
/// every 10 ms.
fn settled_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as i64 - 20_000_000
}

/// Creates the parent folders of all `paths`.
fn make_folders<'a>(view: &Path, paths: impl Iterator<Item = &'a [u8]>) -> Result<(), WorkspaceError> {
    let mut last = Path::new("");
    for path in paths {
        let folder = file_state::as_path(path).parent().unwrap_or(Path::new(""));
        if folder != last {
            let folder = view.join(folder);
            DirBuilder::new().recursive(true).mode(0o755).create(&folder).map_err(io_error("make", &folder))?;
        }
        last = folder;
    }
    Ok(())
}

/// State shared by the copying threads.
struct CopyJob<'a> {
    view: &'a Path,
    paths: &'a PathList,
    /// Checks what may be read of the source.
    gate: RepositoryGate,
    /// False once a reflink has failed.
    reflink: AtomicBool,
    untracked: AtomicU64,
    bytes: AtomicU64,
    notes: Mutex<Vec<String>>,
}

impl CopyJob<'_> {
    /// Copies one path. What can't be read is noted; what can't be written is an error.
    fn copy_one(
        &self,
        index: usize,
        from: &mut Trail<'_>,
        to: &mut Trail<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Copied>, WorkspaceError> {
        let (relative, tracked) = (file_state::as_path(self.paths.get(index)), self.paths.is_tracked(index));
        let (mode, metadata) = match from.look(relative) {
            // Deleted since the walk, so not part of the start.
            Ok(PathState::Nothing) => return Ok(None),
            Ok(PathState::Folder) => return Ok(self.leave_out(relative, "it became a folder meanwhile")),
            Ok(PathState::Special) => return Ok(self.leave_out(relative, "it is a pipe, a socket or a device")),
            Ok(PathState::File(mode, metadata)) => (mode, metadata),
            Err(error) => return Ok(self.leave_out(relative, &error.to_string())),
        };
        if !mode.is_symlink()
            && let Some(why) = self.reason_to_leave_out(relative, tracked, &metadata)
        {
            return Ok(self.leave_out(relative, &why));
        }
        let full = || self.view.join(relative);
        let written = |error| io_error("write", &full())(error);
        let name = Path::new(relative.file_name().unwrap_or_default());
        let from = match from.dir() {
            Ok(folder) => folder,
            Err(error) => return Ok(self.leave_out(relative, &error.to_string())),
        };
        if !to.reach(relative.parent().unwrap_or(Path::new(""))).map_err(written)? {
            return Err(written(io::ErrorKind::NotADirectory.into()));
        }
        let to = to.dir().map_err(written)?;
        let copied = if mode.is_symlink() { copy_link(from, to, name) } else { self.copy_file(from, to, name, buffer) };
        match copied {
            Ok((mode, sha256)) => {
                let metadata = to.symlink_metadata(name).map_err(|error| io_error("look at", &full())(error))?;
                self.bytes.fetch_add(metadata.len(), Ordering::Relaxed);
                Ok(Some(Copied::new(mode, sha256, Stamp::of(&metadata), tracked)))
            }
            Err(CopyError::Read(error)) => Ok(self.leave_out(relative, &error.to_string())),
            Err(CopyError::Write(error)) => Err(written(error)),
        }
    }

    /// Why a regular file isn't copied.
    fn reason_to_leave_out(&self, path: &Path, tracked: bool, metadata: &Metadata) -> Option<String> {
        if self.gate.is_linked_secret(path, &links_of(metadata)) && !self.is_secret(path) {
            // The copy would have a single name, and no longer show that it is a secret.
            return Some("it is a hard link, and another name of it is that of a secret".to_owned());
        }
        if tracked {
            return None;
        }
        if metadata.len() > UNTRACKED_FILE_LIMIT {
            return Some(format!("it is untracked and has {} MB", metadata.len() >> 20));
        }
        let before = self.untracked.fetch_add(metadata.len(), Ordering::Relaxed);
        (before > UNTRACKED_LIMIT).then(|| "untracked files have more than 4 GB together".to_owned())
    }

    /// Secret by its own name; tools refuse it in the view, so it may be copied.
    fn is_secret(&self, path: &Path) -> bool {
        self.gate.secrets().what(path).is_some()
    }

    fn leave_out(&self, path: &Path, why: &str) -> Option<Copied> {
        let note = format!("{} is not in the view: {why}", path.display());
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        None
    }

    fn copy_file(&self, from: &Dir, to: &Dir, name: &Path, buffer: &mut [u8]) -> Result<(FileMode, Digest), CopyError> {
        let original: File = openat(from, name, READ, Mode::empty()).map_err(read)?.into();
        let about = original.metadata().map_err(CopyError::Read)?;
        if !about.is_file() {
            return Err(CopyError::Read(io::Error::other("it is no regular file any more")));
        }
        // No setuid, setgid or sticky bit; the owner must be able to read and edit.
        let bits = about.permissions().mode() & 0o777 | 0o600;
        let mut copy: File = openat(to, name, CREATE, Mode::RUSR | Mode::WUSR).map_err(write)?.into();
        let hashed = if self.share(&original, &copy) {
            file_state::hash(&mut copy, &mut io::sink(), buffer).map_err(CopyError::Write)
        } else {
            // Reads at most the size of a moment ago: something may be writing to the file without end.
            let hashed = file_state::hash(&mut original.take(about.len()), &mut copy, buffer);
            hashed.map_err(|error| blame(error, to, name))
        };
        copy.set_permissions(Permissions::from_mode(bits)).map_err(CopyError::Write)?;
        Ok((FileMode::of_permissions(bits), hashed?.0))
    }

    /// Tries a reflink. After the first failure none is tried again.
    fn share(&self, from: &File, to: &File) -> bool {
        let shared = self.reflink.load(Ordering::Relaxed) && ioctl_ficlone(to, from).is_ok();
        if !shared {
            self.reflink.store(false, Ordering::Relaxed);
        }
        shared
    }
}

fn links_of(about: &Metadata) -> HardLinks {
    HardLinks { inode: about.ino(), links: about.nlink(), size: about.len() }
}

/// Decides which side of a copy failed: a full disk is the view's problem, anything else the original's.
fn blame(error: io::Error, to: &Dir, name: &Path) -> CopyError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            CopyError::Write(error)
        }
        _ => {
            let _ = unlinkat(to, name, AtFlags::empty());
            CopyError::Read(error)
        }
    }
}

fn copy_link(from: &Dir, to: &Dir, name: &Path) -> Result<(FileMode, Digest), CopyError> {
    let target = from.read_link_contents(name).map_err(CopyError::Read)?;
    symlinkat(&target, to, name).map_err(write)?;
    Ok((FileMode::Symlink, Digest::of(target.as_os_str().as_bytes())))
}

/// The side of a copy that failed.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

fn read(error: Errno) -> CopyError {
    CopyError::Read(error.into())
}

fn write(error: Errno) -> CopyError {
    CopyError::Write(error.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Copies a tree that `swap` changes after the selection.
    fn copied(swap: impl FnOnce(&Path)) -> (tempfile::TempDir, Vec<String>) {
        let world = tempfile::tempdir().unwrap();
        let at = |name: &str| world.path().join(name);
        for file in ["source/inner/deep/file", "source/kept", "outside/deep/file", "outside/file"] {
            fs::create_dir_all(at(file).parent().unwrap()).unwrap();
            fs::write(at(file), file).unwrap();
        }
        fs::create_dir(at("view")).unwrap();
        swap(&at("source"));
        let mut paths = PathList::default();
        for path in ["inner/deep/file", "kept"] {
            paths.push(path.as_bytes(), true);
        }
        let selection = Selection { paths, ..Selection::default() };
        let copy = copy(&at("source"), &at("view"), selection, &AtomicBool::new(false)).unwrap();
        assert_eq!(fs::read(at("view/kept")).unwrap(), b"source/kept");
        (world, copy.notes)
    }

    #[test]
    fn a_folder_that_was_swapped_for_a_link_leads_nowhere() {
        for (folder, target) in [("inner", "../outside"), ("inner/deep", "../../outside"), ("inner", "hop")] {
            let (world, notes) = copied(|source| {
                fs::rename(source.join(folder), source.join("aside")).unwrap();
                symlink("../outside", source.join("hop")).unwrap();
                symlink(target, source.join(folder)).unwrap();
            });
            assert!(!world.path().join("view/inner/deep/file").exists() && notes.is_empty(), "{folder}: {notes:?}");
        }
    }

    #[test]
    fn a_file_that_was_swapped_is_what_it_is_now() {
        let swapped = |target: &str| {
            copied(|source| {
                fs::remove_file(source.join("inner/deep/file")).unwrap();
                symlink(target, source.join("inner/deep/file")).unwrap();
            })
        };
        let (world, _) = swapped("/dev/zero");
        assert_eq!(fs::read_link(world.path().join("view/inner/deep/file")).unwrap(), Path::new("/dev/zero"));
        let (world, notes) = copied(|source| {
            fs::remove_file(source.join("inner/deep/file")).unwrap();
            let pipe = source.join("inner/deep/file");
            rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        });
        assert!(!world.path().join("view/inner/deep/file").exists());
        assert_eq!(notes, ["inner/deep/file is not in the view: it is a pipe, a socket or a device"]);
    }
}
