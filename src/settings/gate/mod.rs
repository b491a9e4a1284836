//! The one way to open files of a repository.
//!
//! Whoever wrote the repository chose its names and links, so neither tells what a file is. A path is resolved beneath
//! the root's descriptor, and each name on the way is checked: nothing outside the root, nothing of git's, no file of
//! secrets, whatever links lead there. The last check is on the opened descriptor, which is the one that is read, so
//! nothing can be swapped in between. Opening never blocks, and only regular files are opened; callers limit how much
//! they read.

mod git_name;
mod links;
mod refused;
mod resolve;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cap_std::fs::Dir;
use rustix::fs::FileType;

use super::SecretFiles;
pub use git_name::is_git_name;
use links::Linked;
pub use links::linked_secrets_of_home;
pub use refused::Refused;

/// Opens files below one folder.
#[derive(Debug)]
pub struct RepositoryGate {
    root: Dir,
    secrets: SecretFiles,
    /// Inodes of secrets outside the folder that have more than one name.
    elsewhere: Vec<u64>,
    /// Filled when a file with several names is first opened.
    linked: OnceLock<Linked>,
}

/// What a path leads to.
#[derive(Debug)]
pub struct GateTarget {
    /// The path without links, relative to the root; empty for the root itself.
    pub real: PathBuf,
    /// Type of the file.
    pub kind: FileType,
    /// Permission bits.
    pub mode: u32,
}

/// A regular file that may be read.
#[derive(Debug)]
pub struct Opened {
    /// Descriptor, open for reading.
    pub file: File,
    /// Bytes, when it was opened.
    pub size: u64,
}

impl RepositoryGate {
    /// A gate for the folder with this descriptor.
    #[must_use]
    pub fn new(root: Dir) -> Self {
        Self { root, secrets: SecretFiles::default(), elsewhere: Vec::new(), linked: OnceLock::new() }
    }

    /// Replaces the rule that decides which files of secrets may be read.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles) -> Self {
        Self { secrets, ..self }
    }

    /// Sets inodes of secrets outside the folder, which a hard link may name as well.
    #[must_use]
    pub fn with_secrets_elsewhere(self, elsewhere: Vec<u64>) -> Self {
        Self { elsewhere, ..self }
    }

    /// The folder's descriptor. What is opened through it is not checked.
    #[must_use]
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// The rule that refuses files by their names.
    #[must_use]
    pub fn secrets(&self) -> &SecretFiles {
        &self.secrets
    }

    /// Opens the regular file that `path` leads to.
    ///
    /// # Errors
    /// The reason for refusing it.
    pub fn open(&self, path: &Path) -> Result<Opened, Refused> {
        let (file, stat) = self.open_resolved(path)?;
        let about = HardLinks { inode: stat.st_ino, links: stat.st_nlink, size: stat.st_size.cast_unsigned() };
        if self.is_linked_secret(path, &about) {
            return Err(Refused::HardLink);
        }
        Ok(Opened { file: file.into(), size: about.size })
    }

    /// What `path` leads to; nothing is opened for reading.
    ///
    /// # Errors
    /// As [`RepositoryGate::open`], except for the type of file.
    pub fn look(&self, path: &Path) -> Result<GateTarget, Refused> {
        let place = self.resolve(path)?;
        Ok(GateTarget { kind: place.kind(), mode: place.stat.st_mode & 0o7777, real: place.real })
    }

    /// A descriptor of the folder that `path` leads to.
    ///
    /// # Errors
    /// As [`RepositoryGate::open`]; also when it isn't a folder.
    pub fn folder(&self, path: &Path) -> Result<Dir, Refused> {
        Ok(Dir::from_std_file(self.open_folder(path)?.into()))
    }

    /// Names in the folder that `path` leads to, unsorted; at most `cap`, without those that aren't UTF-8.
    ///
    /// # Errors
    /// As [`RepositoryGate::open`]; also when it isn't a folder.
    pub fn names(&self, path: &Path, cap: usize) -> Result<Vec<String>, Refused> {
        let folder = self.open_folder(path)?;
        let names = rustix::fs::Dir::new(folder)?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        Ok(names.filter(|name| name != "." && name != "..").take(cap).collect())
    }

    /// Refuses `path` for its name alone. `is_last` is false for folders on the way.
    fn judge(&self, path: &Path, is_last: bool) -> Result<(), Refused> {
        if is_of_git(path) {
            return Err(Refused::Git);
        }
        if !is_last {
            return Ok(());
        }
        match self.secrets.what(path) {
            Some(what) => Err(Refused::Secret { real: path.to_owned(), what }),
            None => Ok(()),
        }
    }

    /// Returns true when the file, which has several names, has one that is a secret's, or when that can't be ruled
    /// out. An empty file reveals nothing.
    #[must_use]
    pub fn is_linked_secret(&self, path: &Path, about: &HardLinks) -> bool {
        if about.links < 2 || about.size == 0 || self.secrets.is_readable(path) {
            return false;
        }
        let linked = self.linked.get_or_init(|| Linked::look(&self.root, &self.secrets));
        linked.may_be(about.inode) || self.elsewhere.contains(&about.inode)
    }
}

/// Metadata that identifies hard links.
#[derive(Clone, Copy, Debug)]
pub struct HardLinks {
    /// Inode number. Overlays show that of the lower layer, so the device is of no use.
    pub inode: u64,
    /// Number of names (`st_nlink`).
    pub links: u64,
    /// Size in bytes.
    pub size: u64,
}

/// Returns true when a component is `.git` in any spelling: see [`is_git_name`].
#[must_use]
pub fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| is_git_name(part.as_os_str()))
}
