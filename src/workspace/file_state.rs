//! State of a path: its mode as git knows it, and its bytes. Links aren't followed.

use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::Digest;

/// The modes that git keeps; the serialised names are git's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FileMode {
    /// A file that its owner can't execute.
    #[serde(rename = "100644")]
    Regular,
    /// A file that its owner can execute.
    #[serde(rename = "100755")]
    Executable,
    /// A symbolic link; its content is the target.
    #[serde(rename = "120000")]
    Symlink,
}

impl FileMode {
    /// Octal, as written in a patch.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
        }
    }

    /// True for [`FileMode::Symlink`].
    #[must_use]
    pub const fn is_symlink(self) -> bool {
        matches!(self, Self::Symlink)
    }

    /// From permission bits: git looks only at the owner's execute bit.
    pub(super) const fn of_permissions(bits: u32) -> Self {
        if bits & 0o100 == 0 { Self::Regular } else { Self::Executable }
    }

    /// `None` for folders, sockets, pipes and devices.
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        if kind.is_symlink() {
            Some(Self::Symlink)
        } else {
            kind.is_file().then(|| Self::of_permissions(metadata.mode()))
        }
    }
}

/// A version of a file: its mode and the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FileState {
    /// The mode.
    pub mode: FileMode,
    /// SHA-256 of the content; for a link, of its target.
    pub sha256: Digest,
}

#[derive(Debug)]
pub(super) enum PathState {
    /// Nothing exists there, or a parent isn't a folder.
    Nothing,
    Folder,
    /// A regular file or a symbolic link.
    File(FileMode, Metadata),
    Special,
}

impl PathState {
    /// Takes the metadata of the name itself (`lstat`).
    pub(super) fn of(metadata: Metadata) -> Self {
        match FileMode::of(&metadata) {
            Some(mode) => Self::File(mode, metadata),
            None if metadata.is_dir() => Self::Folder,
            None => Self::Special,
        }
    }
}

/// Looks at `path` below `dir`. A link among the parents counts as nothing; the last component isn't followed.
pub(super) fn look(dir: &Dir, path: &Path) -> io::Result<PathState> {
    if obstacle(dir, path)?.is_none() { look_at(dir, path) } else { Ok(PathState::Nothing) }
}

/// As [`look`], for a path whose parents are known to be folders.
pub(super) fn look_at(dir: &Dir, path: &Path) -> io::Result<PathState> {
    match dir.symlink_metadata(path) {
        Ok(metadata) => Ok(PathState::of(metadata)),
        Err(error) if is_absence(&error) => Ok(PathState::Nothing),
        Err(error) => Err(error),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The first parent of `path`, from the top, that isn't a folder or doesn't exist.
pub(super) fn obstacle<'a>(dir: &Dir, path: &'a Path) -> io::Result<Option<PathObstacle<'a>>> {
    let mut parents: Vec<_> = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
    // From the top, so that nothing behind a link is looked at.
    while let Some(parent) = parents.pop() {
        match dir.symlink_metadata(parent) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Ok(Some(PathObstacle::NoFolder(parent))),
            Err(error) if is_absence(&error) => return Ok(Some(PathObstacle::Missing)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[derive(Debug)]
pub(super) enum PathObstacle<'a> {
    NoFolder(&'a Path),
    Missing,
}

/// Bytes. Larger files are neither kept nor made part of a patch.
pub(super) const FILE_LIMIT: u64 = 64 << 20;

/// Reads a file, or the target of a link. Fails above [`FILE_LIMIT`], also when the file grows meanwhile.
pub(super) fn content(dir: &Dir, path: &Path, mode: FileMode) -> io::Result<Vec<u8>> {
    if mode.is_symlink() {
        return dir.read_link_contents(path).map(|target| target.as_os_str().as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    open(dir, path)?.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LIMIT { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// Opens a regular file, never through a link, and without waiting for the other end of a pipe.
fn open(dir: &Dir, path: &Path) -> io::Result<cap_std::fs::File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = dir.open_with(path, OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()))?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// State of the file or link at `path`; `None` when there is none.
pub(super) fn state(dir: &Dir, path: &Path) -> io::Result<Option<FileState>> {
    let PathState::File(mode, metadata) = look(dir, path)? else { return Ok(None) };
    let sha256 = if mode.is_symlink() {
        Digest::of(content(dir, path, mode)?)
    } else {
        // Reads at most the size of a moment ago: something may be writing to the file without end.
        hash(&mut open(dir, path)?.take(metadata.len()), &mut io::sink(), &mut vec![0; BUFFER])?.0
    };
    Ok(Some(FileState { mode, sha256 }))
}

/// Bytes read at once while hashing or copying.
pub(super) const BUFFER: usize = 64 * 1024;

/// Copies `from` to `to` and returns the SHA-256 and the number of bytes.
pub(super) fn hash(from: &mut impl io::Read, to: &mut impl io::Write, buffer: &mut [u8]) -> io::Result<(Digest, u64)> {
    use sha2::Digest as _;
    let (mut hasher, mut size) = (sha2::Sha256::new(), 0);
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok((Digest::from_raw(hasher.finalize().into()), size)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                to.write_all(&buffer[..read])?;
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Returns true when a component of the path is git's folder, in any spelling: at the root or in a submodule.
pub(super) fn is_of_git(path: &Path) -> bool {
    path.iter().any(|part| is_git_name(part.as_ref()))
}

/// Returns true for the name of git's folder, in any spelling.
pub(super) fn is_git_name(name: &Path) -> bool {
    crate::settings::is_git_name(name.as_os_str())
}

/// `path` relative to `root`; `None` when it isn't below it.
pub(super) fn relative(root: &Path, path: &Path) -> Option<PathBuf> {
    path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty()).map(Path::to_owned)
}
