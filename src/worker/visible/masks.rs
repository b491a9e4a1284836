//! What is covered in the places that are shown: sockets, pipes, devices, and files and folders of secrets.
//!
//! Toolchains have hundreds of thousands of files, and a run is to begin at once. So the search is bounded, and this is
//! exactly what it covers: all sockets that the kernel lists, wherever they are; and of each place that is not one of
//! the system's own (`/usr` but for `/usr/local`, `/nix/store`, …) its first [`MOST_ENTRIES`] entries from the top, down
//! to [`DEPTH`] folders.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::private::is_secret;
use crate::settings::SecretFiles;

/// Folders below a place that are searched.
pub(in crate::worker) const DEPTH: usize = 3;
/// Entries of one place that are looked at.
const MOST_ENTRIES: usize = 2_000;
/// Of all places together: each is a mount.
const MOST_MASKS: usize = 400;
/// How much of a file is searched for a private key.
const KEY_WITHIN: u64 = 16 << 10;
/// Written by the distribution, readable by everybody, and too big to be searched.
const SYSTEM: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/gnu", "/proc", "/sys"];
/// Where files that only some may read lie among others: administrators keep them there.
const ADMINISTERED: [&str; 5] = ["/etc", "/opt", "/srv", "/usr/local", "/var"];
/// But not here: thousands of lists and scripts that came with packages, as public as these.
const PACKAGED: &str = "/var/lib/dpkg/info";
/// Names of files that are keys or certificates: only their content tells.
const KEY_OR_CERTIFICATE: [&str; 4] = ["pem", "key", "gpg", "age"];

/// Something that is covered by an empty file or folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(in crate::worker) struct Mask {
    /// Canonical.
    #[serde(with = "super::as_text")]
    pub(in crate::worker) path: PathBuf,
    pub(in crate::worker) is_folder: bool,
}

/// How a place is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Search {
    /// For everything.
    All,
    /// For sockets, pipes and devices alone, at the top: git's folder, and dependencies in the tree, whose secrets are the
    /// tree's.
    Doors,
}

/// What earlier searches of places found.
pub(super) type Searched = RefCell<HashMap<(PathBuf, Search), Vec<(PathBuf, bool)>>>;

/// What was found to be covered in `places`.
pub(super) struct Found<'a> {
    readable: &'a SecretFiles,
    searched: &'a Searched,
    masks: BTreeSet<Mask>,
}

impl<'a> Found<'a> {
    pub(super) fn new(readable: &'a SecretFiles, searched: &'a Searched) -> Self {
        Self { readable, searched, masks: BTreeSet::new() }
    }

    pub(super) fn into_masks(self) -> Vec<Mask> {
        self.masks.into_iter().collect()
    }

    pub(super) fn cover(&mut self, path: PathBuf, is_folder: bool) {
        if self.masks.len() < MOST_MASKS {
            self.masks.insert(Mask { path, is_folder });
        }
    }

    /// Searches a place.
    pub(super) fn search(&mut self, place: &Path, search: Search) {
        // Single files are listed by name.
        if is_systems(place) || !place.is_dir() {
            return;
        }
        let depth = if search == Search::All { DEPTH } else { 0 };
        let (readable, mut searched) = (self.readable, self.searched.borrow_mut());
        let look = || walk(place, depth, |path, kind| suspicion(readable, place, path, kind, search));
        let found = searched.entry((place.to_owned(), search)).or_insert_with(look);
        for (path, is_folder) in found.clone() {
            self.cover(path, is_folder);
        }
    }
}

/// Whether it is one of the system's own trees, which aren't searched.
pub(in crate::worker) fn is_systems(place: &Path) -> bool {
    SYSTEM.iter().any(|top| place.starts_with(top)) && !place.starts_with("/usr/local")
}

/// Whether an entry is to be covered.
fn suspicion(readable: &SecretFiles, place: &Path, path: &Path, kind: fs::FileType, search: Search) -> bool {
    if kind.is_socket() || kind.is_fifo() || kind.is_char_device() || kind.is_block_device() {
        return true;
    }
    if search == Search::Doors || kind.is_symlink() {
        return false;
    }
    let is_administered = ADMINISTERED.iter().any(|top| place.starts_with(top)) && !path.starts_with(PACKAGED);
    // Root's tests are the files' owner.
    if is_administered && fs::symlink_metadata(path).is_ok_and(|about| about.permissions().mode() & 0o004 == 0) {
        return true;
    }
    if kind.is_dir() { is_secret_folder(place, path) } else { holds_secret(readable, place, path) }
}

/// Kits are often clones of git: what is in its folder is no secret there.
fn is_secret_folder(place: &Path, path: &Path) -> bool {
    let is_named_so = path.strip_prefix(place).is_ok_and(is_secret);
    is_named_so && !path.iter().any(|part| part == ".git" || part == ".config")
}

/// Whether a file's name says that it holds secrets, and nothing in it tells otherwise.
pub(in crate::worker) fn holds_secret(readable: &SecretFiles, place: &Path, path: &Path) -> bool {
    let name = path.strip_prefix(place).unwrap_or(path);
    if readable.what(name).is_none() {
        return false;
    }
    let is_doubtful = path.extension().is_some_and(|kind| KEY_OR_CERTIFICATE.iter().any(|known| kind == *known));
    !is_doubtful || has_private_key(path)
}

fn has_private_key(path: &Path) -> bool {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut text = Vec::new();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    // What can't be read here can't be read behind the wall either.
    let read = file.is_ok_and(|file| file.take(KEY_WITHIN).read_to_end(&mut text).is_ok());
    read && memchr::memmem::find(&text, b"PRIVATE KEY").is_some()
}

/// The entries below `place` that `is_it` names, and whether each is a folder; links aren't followed, and what is named isn't
/// entered.
pub(in crate::worker) fn walk(
    place: &Path,
    depth: usize,
    is_it: impl Fn(&Path, fs::FileType) -> bool,
) -> Vec<(PathBuf, bool)> {
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut ahead = VecDeque::from([(place.to_owned(), 0)]);
    while let Some((folder, level)) = ahead.pop_front() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_ENTRIES {
                return found;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if is_it(&path, kind) {
                found.push((path, kind.is_dir()));
            } else if kind.is_dir() && level < depth {
                ahead.push_back((path, level + 1));
            }
        }
    }
    found
}

/// All sockets of this network namespace that have a path, canonical (proc_net(5)).
pub(in crate::worker) fn sockets() -> Vec<PathBuf> {
    // Whoever binds one names it, in whatever bytes.
    let table = fs::read("/proc/self/net/unix").unwrap_or_default();
    let canonical = table.split(|byte| *byte == b'\n').filter_map(socket_path).filter_map(|path| {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        Some(folder.join(path.file_name()?))
    });
    // A name that was taken by something else meanwhile is no socket any more.
    let is_socket = |path: &PathBuf| path.symlink_metadata().is_ok_and(|about| about.file_type().is_socket());
    canonical.filter(is_socket).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The path in a line of that table: what follows its seven columns. Abstract names begin with `@` and may hold anything.
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
