//! File contents kept by their SHA-256 in the run folder: what a change replaces and what it brings.

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
    /// Uses `folder`, which is created when the first content is kept.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder that holds the contents.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Returns true when a file for this hash exists; its bytes aren't checked.
    #[must_use]
    pub fn holds(&self, digest: Digest) -> bool {
        self.file(digest).exists()
    }

    /// Stores `content` and returns its hash. A killed process leaves the file whole or not at all.
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

    /// Stores `content` as [`Blobs::keep`] does, rewrites a damaged copy, and syncs the file. Its name is only durable
    /// after [`Blobs::sync`].
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

    /// Syncs the folder, so that the names of all contents are durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        if self.folder.exists() { fs::File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    /// Reads the content with this hash.
    ///
    /// # Errors
    /// When it doesn't exist, can't be read, or its bytes no longer have this hash.
    pub fn read(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let content = read_own(&self.file(digest), RUN_FILE_LIMIT)?;
        if Digest::of(&content) == digest {
            Ok(content)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} was damaged", self.file(digest).display())))
        }
    }
}
