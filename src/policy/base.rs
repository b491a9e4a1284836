//! The tree that a patch is checked against.

use super::FileKind;

/// The tree that a patch is meant for, read-only.
pub trait PatchBase {
    /// What is at `path`; `None` for nothing and for a folder.
    fn kind(&self, path: &str) -> Option<FileKind>;

    /// Where a symbolic link leads, or the content of a file; `None` when it can't be read.
    fn content(&self, path: &str) -> Option<Vec<u8>>;

    /// Paths of all symbolic links and submodules.
    fn links(&self) -> &[String];
}
