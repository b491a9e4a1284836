//! The one way to open what a repository holds.
//!
//! Whoever wrote the repository chose its names and links, so that neither says what a file is. A path is resolved beneath
//! the root's handle, and each name on the way is judged: nothing outside the root, nothing of git's, no file of secrets,
//! whatever link leads there and however many. The descriptor that was opened is what is judged at last and what is read,
//! so that nothing can be swapped in between. Opening never blocks and only regular files are read; how much, the caller says.

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

/// The gate before one folder.
#[derive(Debug)]
pub struct RepositoryGate {
    root: Dir,
    secrets: SecretFiles,
    /// Inodes of secrets elsewhere that have more than one name.
    elsewhere: Vec<u64>,
    /// Looked for when a file with several names is first met.
    linked: OnceLock<Linked>,
}

/// What a path leads to.
#[derive(Debug)]
pub struct GateTarget {
    /// The path without links, relative to the root; empty for the root itself.
    pub real: PathBuf,
    /// What is there.
    pub kind: FileType,
    /// Permission bits.
    pub mode: u32,
}

/// A regular file that may be read.
#[derive(Debug)]
pub struct Opened {
    /// Open for reading.
    pub file: File,
    /// In bytes, when it was opened.
    pub size: u64,
}

impl RepositoryGate {
    /// Before the folder with this handle.
    #[must_use]
    pub fn new(root: Dir) -> Self {
        Self { root, secrets: SecretFiles::default(), elsewhere: Vec::new(), linked: OnceLock::new() }
    }

    /// With the user's own rule which files of secrets may be read.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles) -> Self {
        Self { secrets, ..self }
    }

    /// With inodes of secrets outside the folder, which a hard link may name as well.
    #[must_use]
    pub fn with_secrets_elsewhere(self, elsewhere: Vec<u64>) -> Self {
        Self { elsewhere, ..self }
    }

    /// The folder's handle. What is opened through it has not passed the gate.
    #[must_use]
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// Which files are closed for their names.
    #[must_use]
    pub fn secrets(&self) -> &SecretFiles {
        &self.secrets
    }

    /// Opens the regular file that `path` leads to.
    ///
    /// # Errors
    /// Says why not.
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
    /// As [`RepositoryGate::open`], but for the kind of file.
    pub fn look(&self, path: &Path) -> Result<GateTarget, Refused> {
        let place = self.resolve(path)?;
        Ok(GateTarget { kind: place.kind(), mode: place.stat.st_mode & 0o7777, real: place.real })
    }

    /// A handle of the folder that `path` leads to.
    ///
    /// # Errors
    /// As [`RepositoryGate::open`]; also when it is no folder.
    pub fn folder(&self, path: &Path) -> Result<Dir, Refused> {
        Ok(Dir::from_std_file(self.open_folder(path)?.into()))
    }

    /// Names in the folder that `path` leads to, in no order; at most `cap` of them, those that aren't UTF-8 left out.
    ///
    /// # Errors
    /// As [`RepositoryGate::open`]; also when it is no folder.
    pub fn names(&self, path: &Path, cap: usize) -> Result<Vec<String>, Refused> {
        let folder = self.open_folder(path)?;
        let names = rustix::fs::Dir::new(folder)?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        Ok(names.filter(|name| name != "." && name != "..").take(cap).collect())
    }

    /// Refuses `path` for its name alone. `is_last` tells a file from a folder on the way to one.
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

    /// Whether the file with this inode, which has several names, has one that is a secret's; also when that can't be ruled
    /// out. A file without content tells nothing.
    #[must_use]
    pub fn is_linked_secret(&self, path: &Path, about: &HardLinks) -> bool {
        if about.links < 2 || about.size == 0 || self.secrets.is_readable(path) {
            return false;
        }
        let linked = self.linked.get_or_init(|| Linked::look(&self.root, &self.secrets));
        linked.may_be(about.inode) || self.elsewhere.contains(&about.inode)
    }
}

/// What tells that files are one.
#[derive(Clone, Copy, Debug)]
pub struct HardLinks {
    /// Its number. Overlays show the number of the layer below, so that the device says nothing.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
    /// Its bytes.
    pub size: u64,
}

/// Whether a component is `.git`, however it is spelt: see [`is_git_name`].
#[must_use]
pub fn is_of_git(path: &Path) -> bool {
    path.components().any(|part| is_git_name(part.as_os_str()))
}
