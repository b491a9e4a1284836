//! The tree that a patch is checked against.

use super::FileKind;
use crate::workspace::CommitTree;

/// The tree that a patch is meant for, read-only.
pub(crate) trait PatchBase {
    /// What is at `path`; `None` for nothing and for a folder.
    fn kind(&self, path: &str) -> Option<FileKind>;

    /// Where a symbolic link leads, or the content of a file; `None` when it can't be read.
    fn content(&self, path: &str) -> Option<Vec<u8>>;

    /// Paths of all symbolic links and submodules.
    fn links(&self) -> &[String];
}

impl PatchBase for CommitTree {
    fn kind(&self, path: &str) -> Option<FileKind> {
        FileKind::of(format!("{:o}", self.mode(path)?).as_bytes())
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        Self::content(self, path)
    }

    fn links(&self) -> &[String] {
        Self::links(self)
    }
}
