//! Paths inside the repository.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A path relative to the repository's root. It is never absolute or empty, has no `..`, `.` or empty component, and is
/// UTF-8 (the model can't address files with other names).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is not a [`RelPath`]. The messages are written for the model, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    /// The text is empty.
    #[error("the path is empty; give a path relative to the repository's root, such as src/main.rs")]
    Empty,
    /// The path is absolute.
    #[error("{0:?} is absolute; give it relative to the repository's root")]
    Absolute(String),
    /// The path contains `..`.
    #[error("{0:?} has a `..`; paths stay inside the repository")]
    Parent(String),
    /// The path contains a NUL byte.
    #[error("the path holds a NUL byte")]
    Nul,
    /// The path isn't UTF-8.
    #[error("{0:?} is not UTF-8")]
    NotUtf8(String),
}

impl RelPath {
    /// Checks and normalises a path: `./a//b/` becomes `a/b`.
    ///
    /// # Errors
    /// When `text` is not such a path.
    pub fn new(text: &str) -> Result<Self, RelPathError> {
        if text.contains('\0') {
            return Err(RelPathError::Nul);
        }
        let mut parts = Vec::new();
        for component in Path::new(text).components() {
            match component {
                Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
                Component::CurDir => {}
                Component::ParentDir => return Err(RelPathError::Parent(text.to_owned())),
                Component::RootDir | Component::Prefix(_) => return Err(RelPathError::Absolute(text.to_owned())),
            }
        }
        if parts.is_empty() { Err(RelPathError::Empty) } else { Ok(Self(parts.join("/"))) }
    }

    /// Converts a path that the file system returned.
    ///
    /// # Errors
    /// As [`RelPath::new`], and when it isn't UTF-8.
    pub fn from_path(path: &Path) -> Result<Self, RelPathError> {
        Self::new(path.to_str().ok_or_else(|| RelPathError::NotUtf8(path.to_string_lossy().into_owned()))?)
    }

    /// The path as text, with `/` between components.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path for opening below a directory descriptor.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.0.as_bytes()))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_inside_are_paths() {
        assert_eq!(RelPath::new("./a//b/").map(String::from), Ok("a/b".to_owned()));
        assert_eq!(RelPath::new("a/../b"), Err(RelPathError::Parent("a/../b".to_owned())));
        assert_eq!(RelPath::new("/etc/passwd"), Err(RelPathError::Absolute("/etc/passwd".to_owned())));
        assert_eq!(RelPath::new("."), Err(RelPathError::Empty));
        assert_eq!(RelPath::new("a\0b"), Err(RelPathError::Nul));
    }
}
