//! Getting the selected files into the view: by reflink where the file system shares blocks, else
//! byte by byte, never by hard link. What was copied is hashed; that is the view's start, whatever
//! happens to the original meanwhile.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::OFlags;

use super::error::io_error;
use super::file_state::{self, BUFFER};
use super::manifest::{Copied, Manifest, Stamp};
use super::paths::PathList;
use super::selection::Selection;
use super::{FileMode, WorkspaceError};
use crate::journal::Digest;
use crate::settings::{Environment, Gate, HardLinks, linked_secrets_of_home};

/// An untracked file above this is data rather than source.
const UNTRACKED_FILE_LIMIT: u64 = 100 << 20;
/// All untracked files together.
const UNTRACKED_LIMIT: u64 = 4 << 30;
/// Files that a thread takes at once.
const BATCH: usize = 64;

/// What the copy came to.
pub(super) struct Copy {
    pub(super) manifest: Manifest,
    pub(super) notes: Vec<String>,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Copies everything of `selection` from `source` to `view`, an empty folder. Gives up when `stop` turns true.
pub(super) fn copy(
    source: &Path,
    view: &Path,
    selection: Selection,
    stop: &AtomicBool,
) -> Result<Copy, WorkspaceError> {
    let Selection { paths, notes: unseen, .. } = selection;
    let mut files: Vec<Option<Copied>> = vec![None; paths.len()];
    make_folders(view, paths.iter())?;
    let root = Dir::open_ambient_dir(source, ambient_authority()).map_err(io_error("open", source))?;
    let gate = Gate::new(root).with_secrets_elsewhere(linked_secrets_of_home(&Environment::from_process()));
    let job = Job {
        source,
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
        loop {
            let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, slots)) = batch else { return Ok(()) };
            if stop.load(Ordering::Relaxed) {
                return Err(WorkspaceError::Stopped);
            }
            for (offset, slot) in slots.iter_mut().enumerate() {
                *slot = job.copy_one(number * BATCH + offset, &mut buffer)?;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // A panic of a thread is a bug; joining passes it on as an error of the copy.
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
    Ok(Copy { manifest, notes: [unseen, notes].concat(), files: copied, bytes })
}

/// From when on a stamp is too young to be trusted: clocks of file systems tick up to every 10 ms.
fn settled_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as i64 - 20_000_000
}

/// The folders that the files stand in.
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

/// What the copying threads share.
struct Job<'a> {
    source: &'a Path,
    view: &'a Path,
    paths: &'a PathList,
    /// Before the source.
    gate: Gate,
    /// False once the file system has said that it can't.
    reflink: AtomicBool,
    untracked: AtomicU64,
    bytes: AtomicU64,
    notes: Mutex<Vec<String>>,
}

impl Job<'_> {
    /// Copies one path. What can't be read is noted, what can't be written is an error.
    fn copy_one(&self, index: usize, buffer: &mut [u8]) -> Result<Option<Copied>, WorkspaceError> {
        let (relative, tracked) = (file_state::as_path(self.paths.get(index)), self.paths.is_tracked(index));
        let (from, to) = (self.source.join(relative), self.view.join(relative));
        let metadata = match from.symlink_metadata() {
            Ok(metadata) => metadata,
            // Gone since the walk: then it isn't part of the start.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Ok(self.leave_out(relative, &error.to_string())),
        };
        let kind = metadata.file_type();
        let copied = if kind.is_symlink() {
            copy_link(&from, &to)
        } else if !kind.is_file() {
            return Ok(self.leave_out(relative, "it is a pipe, a socket or a device"));
        } else if self.gate.is_linked_secret(relative, &links_of(&metadata)) && !self.is_secret(relative) {
            // The copy would have one name, and nobody could tell any more.
            return Ok(self.leave_out(relative, "it is a hard link, and another name of it is that of a secret"));
        } else if !tracked && metadata.len() > UNTRACKED_FILE_LIMIT {
            let megabytes = metadata.len() >> 20;
            return Ok(self.leave_out(relative, &format!("it is untracked and has {megabytes} MB")));
        } else if !tracked && self.untracked.fetch_add(metadata.len(), Ordering::Relaxed) > UNTRACKED_LIMIT {
            return Ok(self.leave_out(relative, "untracked files have more than 4 GB together"));
        } else {
            self.copy_file(&from, &to, buffer)
        };
        match copied {
            Ok((mode, sha256)) => {
                let metadata = to.symlink_metadata().map_err(io_error("look at", &to))?;
                self.bytes.fetch_add(metadata.len(), Ordering::Relaxed);
                let metadata = cap_std::fs::Metadata::from_just_metadata(metadata);
                Ok(Some(Copied::new(mode, sha256, Stamp::of(&metadata), tracked)))
            }
            Err(CopyError::Read(error)) => Ok(self.leave_out(relative, &error.to_string())),
            Err(CopyError::Write(error)) => Err(io_error("write", &to)(error)),
        }
    }

    /// By its own name, so that tools keep it closed.
    fn is_secret(&self, path: &Path) -> bool {
        self.gate.secrets().what(path).is_some()
    }

    fn leave_out(&self, path: &Path, why: &str) -> Option<Copied> {
        let note = format!("{} is not in the view: {why}", path.display());
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        None
    }

    fn copy_file(&self, from: &Path, to: &Path, buffer: &mut [u8]) -> Result<(FileMode, Digest), CopyError> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let mut original = OpenOptions::new().read(true).custom_flags(flags).open(from).map_err(CopyError::Read)?;
        // Permission bits without setuid, setgid and sticky; the owner must be able to read and edit.
        let bits = original.metadata().map_err(CopyError::Read)?.permissions().mode() & 0o777 | 0o600;
        let (copy, sha256) = if self.share(from, to) {
            let mut copy = File::open(to).map_err(CopyError::Write)?;
            let (sha256, _) = file_state::hash(&mut copy, &mut io::sink(), buffer).map_err(CopyError::Write)?;
            (copy, sha256)
        } else {
            let mut copy = OpenOptions::new().write(true).create_new(true).open(to).map_err(CopyError::Write)?;
            let (sha256, _) = file_state::hash(&mut original, &mut copy, buffer).map_err(|error| blame(error, to))?;
            (copy, sha256)
        };
        copy.set_permissions(Permissions::from_mode(bits)).map_err(CopyError::Write)?;
        Ok((FileMode::of_permissions(bits), sha256))
    }

    /// Tries a reflink. A file system that can't is asked once.
    fn share(&self, from: &Path, to: &Path) -> bool {
        let shared = self.reflink.load(Ordering::Relaxed) && reflink_copy::reflink(from, to).is_ok();
        if !shared {
            self.reflink.store(false, Ordering::Relaxed);
        }
        shared
    }
}

fn links_of(about: &fs::Metadata) -> HardLinks {
    HardLinks { inode: about.ino(), links: about.nlink(), size: about.len() }
}

/// Which side of a copy failed: a full disk is the view's trouble, anything else the original's.
fn blame(error: io::Error, to: &Path) -> CopyError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            CopyError::Write(error)
        }
        _ => {
            drop(fs::remove_file(to));
            CopyError::Read(error)
        }
    }
}

fn copy_link(from: &Path, to: &Path) -> Result<(FileMode, Digest), CopyError> {
    let target = fs::read_link(from).map_err(CopyError::Read)?;
    symlink(&target, to).map_err(CopyError::Write)?;
    Ok((FileMode::Symlink, Digest::of(target.as_os_str().as_bytes())))
}

/// Which side failed.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}
