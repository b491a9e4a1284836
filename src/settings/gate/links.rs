//! Hard links: a secret under another name. Only the inode reveals it, and only after the secrets were looked up.

use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};

use crate::settings::{Environment, SecretFiles, is_of_git};

/// Number of entries that are searched for secrets with several names. Beyond that, every file with several names is
/// refused.
const MOST_ENTRIES: usize = 1_000_000;
/// Maximum nesting of folders that are entered.
const MOST_LEVELS: usize = 128;
/// Number of files of a folder of secrets that are checked.
const MOST_OF_A_FOLDER: usize = 1_000;

/// Below the home folder: files, and folders whose files all count as secrets.
const OF_HOME: [&str; 26] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".docker",
    ".kube",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    ".bash_history",
    ".zsh_history",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".config/kcode",
    ".config/gh",
    ".config/git",
    ".config/gcloud",
    ".config/rclone",
    ".local/state/kcode",
    ".local/share/keyrings",
];

/// Inodes of the secrets in a folder that have more than one name.
#[derive(Debug)]
pub(super) struct Linked {
    inodes: HashSet<u64>,
    /// False when a limit ended the search.
    complete: bool,
}

impl Linked {
    /// Searches the folder `root`, ignored folders included; links are not followed.
    pub(super) fn look(root: impl AsFd, secrets: &SecretFiles) -> Self {
        let mut look = LinkLook { secrets, found: Self { inodes: HashSet::new(), complete: true }, left: MOST_ENTRIES };
        match openat(root, ".", FOLDER, Mode::empty()) {
            Ok(top) => look.below(&top, Path::new(""), MOST_LEVELS),
            Err(_) => look.found.complete = false,
        }
        look.found
    }

    pub(super) fn may_be(&self, inode: u64) -> bool {
        !self.complete || self.inodes.contains(&inode)
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct LinkLook<'a> {
    secrets: &'a SecretFiles,
    found: Linked,
    left: usize,
}

impl LinkLook<'_> {
    fn below(&mut self, folder: &OwnedFd, at: &Path, levels: usize) {
        let Ok(mut entries) = Dir::read_from(folder) else { return };
        while let Some(Ok(entry)) = entries.read() {
            let name = Path::new(std::ffi::OsStr::from_bytes(entry.file_name().to_bytes()));
            if name == Path::new(".") || name == Path::new("..") {
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else { return self.found.complete = false };
            self.left = left;
            let path = at.join(name);
            match kind(folder, name, entry.file_type()) {
                // Git's objects are compressed, and a local clone shares them by hard links.
                FileType::Directory if is_of_git(&path) && name == Path::new("objects") => {}
                FileType::Directory if levels == 0 => self.found.complete = false,
                FileType::Directory => {
                    if let Ok(next) = openat(folder, name, FOLDER, Mode::empty()) {
                        self.below(&next, &path, levels - 1);
                    }
                }
                FileType::RegularFile if is_of_git(&path) || self.secrets.what(&path).is_some() => {
                    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
                    self.found.inodes.extend(stat.ok().filter(|stat| stat.st_nlink > 1).map(|stat| stat.st_ino));
                }
                _ => {}
            }
        }
    }
}

/// The type of an entry; some file systems don't report it in listings.
fn kind(folder: impl AsFd, name: &Path, said: FileType) -> FileType {
    if said != FileType::Unknown {
        return said;
    }
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_or(said, |stat| FileType::from_raw_mode(stat.st_mode))
}

/// Inodes of the user's own well-known secrets that have more than one name; usually none.
#[must_use]
pub fn linked_secrets_of_home(env: &Environment) -> Vec<u64> {
    let Some(home) = env.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute()) else { return Vec::new() };
    let mut inodes = Vec::new();
    for place in OF_HOME.map(|name| home.join(name)) {
        let Ok(about) = fs::metadata(&place) else { continue };
        let files: Vec<PathBuf> = if about.is_dir() {
            let entries = fs::read_dir(&place).into_iter().flatten().flatten();
            entries.take(MOST_OF_A_FOLDER).map(|entry| entry.path()).collect()
        } else {
            vec![place]
        };
        let about = files.iter().filter_map(|file| fs::symlink_metadata(file).ok());
        inodes.extend(about.filter(|about| about.is_file() && about.nlink() > 1).map(|about| about.ino()));
    }
    inodes
}
