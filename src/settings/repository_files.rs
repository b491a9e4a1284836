//! Reads files of a repository without trusting it.
//!
//! Files are opened through the [`RepositoryGate`]: nothing outside the repository, nothing of git's, no file of
//! secrets. A refused file counts as missing for callers that don't ask for the reason, and all reads are capped.

use std::io::{self, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::FileType;

use super::{Environment, Opened, Refused, RepositoryGate, SecretFiles, linked_secrets_of_home};

/// Reads files below one folder.
pub struct RepositoryFiles(RepositoryGate);

/// The beginning of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// At most as many bytes as were asked for.
    pub bytes: Vec<u8>,
    /// Size of the whole file in bytes.
    pub size: u64,
}

impl Beginning {
    /// True when the file has more than these bytes.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.size > self.bytes.len() as u64
    }

    /// The bytes as text; invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl RepositoryFiles {
    /// Opens the folder `root`.
    ///
    /// # Errors
    /// When it isn't a folder that can be opened.
    pub fn open(root: &Path) -> io::Result<Self> {
        let gate = RepositoryGate::new(Dir::open_ambient_dir(root, ambient_authority())?);
        Ok(Self(gate.with_secrets_elsewhere(linked_secrets_of_home(&Environment::from_process()))))
    }

    /// Replaces the rule that decides which files of secrets may be read.
    #[must_use]
    pub fn with_secrets(self, secrets: SecretFiles) -> Self {
        Self(self.0.with_secrets(secrets))
    }

    /// The first `cap` bytes of a regular file; `None` when there is none that may be read.
    #[must_use]
    pub fn read(&self, path: impl AsRef<Path>, cap: u64) -> Option<Beginning> {
        self.try_read(path.as_ref(), cap).ok()
    }

    /// As [`RepositoryFiles::read`], with the reason.
    ///
    /// # Errors
    /// When the file is missing, isn't a regular file, or may not be read.
    pub fn try_read(&self, path: &Path, cap: u64) -> Result<Beginning, Refused> {
        let Opened { file, size } = self.0.open(path)?;
        let mut bytes = Vec::new();
        file.take(cap).read_to_end(&mut bytes).map_err(Refused::Io)?;
        Ok(Beginning { size: size.max(bytes.len() as u64), bytes })
    }

    /// Returns true when `path` is a file or a folder inside the repository.
    #[must_use]
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.0.look(path.as_ref()).is_ok()
    }

    /// Returns true when `path` is an executable regular file.
    #[must_use]
    pub fn is_executable(&self, path: impl AsRef<Path>) -> bool {
        self.0.look(path.as_ref()).is_ok_and(|found| found.kind == FileType::RegularFile && found.mode & 0o111 != 0)
    }

    /// Sorted names in a folder (the root when empty), at most `cap`; empty when it doesn't exist.
    #[must_use]
    pub fn names(&self, folder: impl AsRef<Path>, cap: usize) -> Vec<String> {
        let mut names = self.0.names(folder.as_ref(), cap).unwrap_or_default();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_is_read_and_nothing_blocks() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "s").expect("a file");
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("inside"), "abc").expect("a file");
        symlink(outside.path().join("secret"), root.path().join("out")).expect("a link");
        symlink("inside", root.path().join("in")).expect("a link");
        rustix::fs::mknodat(rustix::fs::CWD, root.path().join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a FIFO");

        let files = RepositoryFiles::open(root.path()).expect("it opens");
        for refused in ["out", "../secret", "pipe", ".", "missing"] {
            assert_eq!(files.read(refused, 10), None, "{refused}");
        }
        let cut = files.read("in", 2).expect("a link inside is fine");
        assert_eq!((cut.bytes.as_slice(), cut.size, cut.is_cut()), (b"ab".as_slice(), 3, true));
        assert!(!files.has("out") && files.has("inside") && !files.is_executable("inside"));
        assert_eq!(files.names(".", 10), ["in", "inside", "out", "pipe"]);
    }
}
