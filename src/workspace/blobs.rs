//! File contents kept by their hash in the run's folder: what a change replaces and what it brings.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::journal::{Digest, RUN_FILE_LIMIT, read_own};

/// A folder of contents, each in a file named by its SHA-256.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Uses `folder`; it is made when the first content is kept.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Whether the content is there.
    #[must_use]
    pub fn holds(&self, digest: Digest) -> bool {
        self.file(digest).exists()
    }

    /// Keeps `content`; a killed process leaves it whole or not at all.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn keep(&self, content: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(content);
        if !self.holds(digest) {
            fs::create_dir_all(&self.folder)?;
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(content)?;
            file.persist(self.file(digest)).map_err(|error| error.error)?;
        }
        Ok(digest)
    }

    /// As [`Blobs::keep`]; whole and on the disk on return, also when it was kept before. Its name is after [`Blobs::sync`].
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn secure(&self, content: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(content);
        if self.read(digest).is_err() {
            fs::create_dir_all(&self.folder)?;
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(content)?;
            file.persist(self.file(digest)).map_err(|error| error.error)?;
        }
        fs::File::open(self.file(digest))?.sync_all()?;
        Ok(digest)
    }

    /// The names of all contents reach the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        if self.folder.exists() { fs::File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    /// The content with this hash.
    ///
    /// # Errors
    /// When it isn't there, can't be read, or is no longer what its name says.
    pub fn read(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let content = read_own(&self.file(digest), RUN_FILE_LIMIT)?;
        if Digest::of(&content) == digest {
            Ok(content)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} was damaged", self.file(digest).display())))
        }
    }
}
