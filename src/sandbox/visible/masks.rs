//! What is covered in the shown places: sockets, pipes, devices, and files and folders with secrets.
//!
//! Toolchains have hundreds of thousands of files and a run should begin at once, so the search is bounded. It covers
//! exactly this: all sockets that the kernel lists, wherever they are; and of each place that isn't one of the system's
//! own (`/usr` except `/usr/local`, `/nix/store`, …) its first entries from the top, as far as a [`Bound`] allows.
//! Places that a person named hold their own work rather than a toolchain: they are searched further, and git folders
//! in them are covered.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode, statat};
use rustix::io::Errno;

use super::places::Mask;
use super::private::is_named_secret;
use super::read_folders::{ReadFolders, Reading};
use super::walk::{Bound, WalkEntry, beside_each_other, walk_noting};
use crate::sandbox::plain_paths::lies_in;
use crate::settings::SecretFiles;

/// Most masks of all places together: each is a mount.
const MOST_MASKS: usize = 400;
/// Bytes of a file that are searched for a private key.
const KEY_WITHIN: u64 = 16 << 10;
/// Folders written by the distribution, readable by everybody, and too big to search.
const SYSTEM: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu", "/proc", "/sys"];
/// Folders where administrators keep files that only some users may read.
const ADMINISTERED: [&str; 5] = ["/etc", "/opt", "/srv", "/usr/local", "/var"];
/// Exempt: thousands of lists and scripts from packages, as public as these.
const PACKAGED: &str = "/var/lib/dpkg/info";
/// Extensions of keys and of certificates; only the content tells which it is.
const KEY_OR_CERTIFICATE: [&str; 4] = ["pem", "key", "gpg", "age"];

/// How a place is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub(in crate::sandbox) enum SearchDepth {
    /// For everything.
    All,
    /// For everything, deeper, and for git folders, which may hold credentials.
    Work,
    /// Only for sockets, pipes and devices, at the top: git's folder, and dependencies in the tree, whose secrets
    /// belong to the tree.
    Doors,
}

/// A folder and how it is searched.
pub(in crate::sandbox) type Folder = (PathBuf, SearchDepth);

/// Results of searches by folder.
pub(in crate::sandbox) type Searched = HashMap<Folder, FolderSearch>;

/// The result of searching a folder.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::sandbox) struct FolderSearch {
    /// Masks for what was found.
    pub(super) found: Vec<Mask>,
    /// The folders that were read; `None` if their state can't be compared later.
    pub(super) read: Option<ReadFolders>,
    /// What else decided; `None` if it can't be told. Only for later runs.
    #[serde(skip)]
    pub(super) examined: Option<Vec<Examined>>,
}

/// Something of an entry that decided what was found, and changes without its folder's times.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Examined {
    /// The entry's path relative to the place.
    below: String,
    asked: Asked,
    answer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    /// Whether not everybody may read it.
    IsClosed,
    /// Whether it holds a private key.
    HasKey,
}

impl Asked {
    fn of(self, path: &Path) -> bool {
        match self {
            Self::IsClosed => is_closed(statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok().map(|about| about.st_mode)),
            Self::HasKey => has_private_key(path),
        }
    }
}

/// For root, tests run as the files' owner.
fn is_closed(mode: Option<RawMode>) -> bool {
    mode.is_some_and(|mode| !Mode::from_raw_mode(mode).contains(Mode::ROTH))
}

impl FolderSearch {
    /// What a new search of the folder, now at `place`, would find; `None` if it has to be searched.
    pub(in crate::sandbox) fn still_found(&self, place: &Path) -> Option<&[Mask]> {
        self.read.as_ref().is_some_and(|read| read.are_unchanged(place)).then_some(&*self.found)
    }

    /// Whether it may be kept for later runs.
    pub(super) fn is_lasting(&self) -> bool {
        self.examined.is_some() && self.read.as_ref().is_some_and(ReadFolders::is_lasting)
    }

    /// Whether a new search of the folder at `place`, as an earlier run kept this one, would find the same.
    pub(super) fn holds_still(&self, place: &Path) -> bool {
        let is_inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_same = |examined: &Examined| {
            let below = Path::new(&examined.below);
            is_inside(below) && examined.asked.of(&place.join(below)) == examined.answer
        };
        self.found.iter().all(|mask| mask.path != place && lies_in(&mask.path, place))
            && self.read.as_ref().is_some_and(|read| read.are_unchanged_since_long(place))
            && self.examined.as_ref().is_some_and(|examined| examined.iter().all(is_same))
    }
}

#[cfg(test)]
impl FolderSearch {
    /// For tests: a search of a place that hasn't changed for long.
    pub(in crate::sandbox) fn long_ago(place: &Path, found: Vec<Mask>) -> Self {
        use std::os::fd::AsFd as _;

        let mut reading = Reading::long_ago(place);
        let folder = fs::File::open(place).unwrap();
        reading.note(Path::new(""), Ok(folder.as_fd()));
        Self { found, read: reading.end(), examined: None }
    }
}

impl SearchDepth {
    /// How deep and how many entries to search.
    pub(in crate::sandbox) const fn bound(self) -> Bound {
        match self {
            Self::All => Bound::USUAL,
            Self::Work => Bound::OF_WORK,
            Self::Doors => Bound::TOP,
        }
    }
}

/// The folders among `places` that are searched; single files are shown by name.
pub(super) fn folders<'a>(places: impl Iterator<Item = (&'a Path, SearchDepth)>) -> Vec<Folder> {
    let folders = places.filter(|(place, _)| !is_systems(place) && place.is_dir());
    folders.map(|(place, search)| (place.to_owned(), search)).collect()
}

/// Searches folders on `threads` threads; `readable` are globs of secrets that are shown nevertheless.
pub(super) fn search(folders: &[Folder], readable: &[String], threads: usize) -> Vec<FolderSearch> {
    // Invalid globs were refused long before; without them more is covered.
    let readable = SecretFiles::new(readable).unwrap_or_default();
    let look = |(place, search): &Folder| {
        let mut reading = Reading::of(place);
        let looker = Looker::new(&readable, place, *search);
        let found = looker.look(&mut reading);
        let found = found.into_iter().map(|(path, is_folder)| Mask { path, is_folder }).collect();
        FolderSearch { found, read: reading.end(), examined: looker.examined.into_inner() }
    };
    beside_each_other(folders, threads, look)
}

/// Combines certain and found masks: a folder before what lies in it.
pub(super) fn together<'a>(certain: Vec<Mask>, found: impl Iterator<Item = &'a Mask>) -> Vec<Mask> {
    let mut masks: BTreeSet<Mask> = certain.into_iter().collect();
    for mask in found {
        if masks.len() >= MOST_MASKS {
            break;
        }
        masks.insert(mask.clone());
    }
    let mut masks: Vec<Mask> = masks.into_iter().collect();
    masks.sort_by_cached_key(|mask| mask.path.components().count());
    masks
}

/// Whether a place is one of the system's own trees, which aren't searched.
pub(in crate::sandbox) fn is_systems(place: &Path) -> bool {
    SYSTEM.iter().any(|top| place.starts_with(top)) && !place.starts_with("/usr/local")
}

struct Looker<'a> {
    readable: &'a SecretFiles,
    place: &'a Path,
    search: SearchDepth,
    is_administered: bool,
    /// See [`FolderSearch::examined`].
    examined: RefCell<Option<Vec<Examined>>>,
}

impl<'a> Looker<'a> {
    fn new(readable: &'a SecretFiles, place: &'a Path, search: SearchDepth) -> Self {
        let is_administered = ADMINISTERED.iter().any(|top| place.starts_with(top));
        Self { readable, place, search, is_administered, examined: RefCell::new(Some(Vec::new())) }
    }

    /// Notes an `answer` about an entry, and returns it.
    fn examined(&self, entry: &WalkEntry<'_>, asked: Asked, answer: bool) -> bool {
        let mut examined = self.examined.borrow_mut();
        match (examined.as_mut(), entry.below.to_str()) {
            (Some(examined), Some(below)) => examined.push(Examined { below: below.to_owned(), asked, answer }),
            _ => *examined = None,
        }
        answer
    }

    fn look(&self, reading: &mut Reading<'_>) -> Vec<(PathBuf, bool)> {
        let note = |below: &Path, opened: Result<BorrowedFd<'_>, Errno>| reading.note(below, opened);
        walk_noting(self.place, self.search.bound(), |entry| self.is_suspicious(entry), note)
    }

    fn is_suspicious(&self, entry: &WalkEntry<'_>) -> bool {
        let (path, kind) = (entry.path, entry.kind);
        if matches!(kind, FileType::Socket | FileType::Fifo | FileType::CharacterDevice | FileType::BlockDevice) {
            return true;
        }
        if self.search == SearchDepth::Doors || kind.is_symlink() {
            return false;
        }
        if self.search == SearchDepth::Work && kind.is_dir() && path.ends_with(".git") {
            return true;
        }
        let is_closed = || self.examined(entry, Asked::IsClosed, is_closed(entry.mode()));
        if self.is_administered && !lies_in(path, Path::new(PACKAGED)) && is_closed() {
            return true;
        }
        if kind.is_dir() {
            return is_secret_folder(entry.below);
        }
        let is_secret = holds_secret(self.readable, entry);
        if is_doubtful(path) && self.readable.what(entry.below).is_some() {
            return self.examined(entry, Asked::HasKey, is_secret);
        }
        is_secret
    }
}

/// Whether the folder's own name marks it as one of secrets, which isn't entered. Toolchains are often git clones, so
/// git's folder isn't counted there.
fn is_secret_folder(below: &Path) -> bool {
    is_named_secret(below) && !below.iter().any(|part| part == ".git" || part == ".config")
}

/// Whether a file's name says that it holds secrets and its content doesn't contradict that.
pub(in crate::sandbox) fn holds_secret(readable: &SecretFiles, entry: &WalkEntry<'_>) -> bool {
    if readable.what(entry.below).is_none() {
        return false;
    }
    !is_doubtful(entry.path) || has_private_key(entry.path)
}

/// Whether only the content tells if a file with such a name is a secret.
fn is_doubtful(path: &Path) -> bool {
    path.extension().is_some_and(|kind| KEY_OR_CERTIFICATE.iter().any(|known| kind == *known))
}

fn has_private_key(path: &Path) -> bool {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut text = Vec::new();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    match file.and_then(|file| file.take(KEY_WITHIN).read_to_end(&mut text)) {
        Ok(_) => memchr::memmem::find(&text, b"PRIVATE KEY").is_some(),
        // What can't be read now may be readable later.
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Canonical paths of all sockets in this network namespace (proc_net(5)).
pub(in crate::sandbox) fn sockets() -> Vec<PathBuf> {
    // Paths of sockets may contain any bytes.
    let table = fs::read("/proc/self/net/unix").unwrap_or_default();
    let canonical = table.split(|byte| *byte == b'\n').filter_map(socket_path).filter_map(|path| {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        Some(folder.join(path.file_name()?))
    });
    // Something else may have taken the name meanwhile.
    let is_socket = |path: &PathBuf| path.symlink_metadata().is_ok_and(|about| about.file_type().is_socket());
    canonical.filter(is_socket).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The path in a line of that table, after its seven columns. Abstract names begin with `@`.
fn socket_path(line: &[u8]) -> Option<&Path> {
    let mut rest = line;
    for _ in 0..7 {
        rest = rest.trim_ascii_start();
        rest = &rest[rest.iter().position(|byte| *byte == b' ')?..];
    }
    rest.get(1..).filter(|path| path.starts_with(b"/")).map(|path| Path::new(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_by_their_column_whatever_bytes_they_are_called_by() {
        let path = |line: &[u8]| socket_path(line).map(|path| path.as_os_str().as_bytes().to_vec());
        let columns = b"0000000000000000: 00000002 00000000 00010000 0001 01    17 ";
        let named = |name: &[u8]| path(&[columns, name].concat());
        assert_eq!(named(b"/run/a socket /x"), Some(b"/run/a socket /x".to_vec()));
        assert_eq!(named(b"/tmp/\xff\xfe"), Some(b"/tmp/\xff\xfe".to_vec()));
        assert_eq!(named(b"@name /usr/bin/python3"), None);
        assert_eq!(named(b"relative"), None);
        assert_eq!(path(b"Num       RefCount Protocol Flags    Type St Inode Path"), None);
        assert_eq!(path(b"0000000000000000: 00000003 00000000 00000000 0001 03 12345"), None);
    }
}
