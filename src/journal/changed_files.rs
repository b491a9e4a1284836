//! What a patch changes, as events tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// See `Event::PatchWritten`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchWritten {
    /// SHA-256 of `patch.diff`; `None` when the view equals its start.
    pub sha256: Option<Digest>,
    /// What changed.
    pub files: Vec<FileChange>,
    /// Changes that could not become part of it, a sentence each.
    pub left_out: Vec<String>,
    /// What commands wrote, such as the tests: no part of the patch unless it was named to be. The first of it by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<GeneratedFile>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generated_more: u64,
    /// Globs of `--include-generated` that name nothing that was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_nothing: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A file that a command of the run wrote or removed, and no tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedFile {
    /// Relative to the root; what isn't UTF-8 in it is replaced.
    pub path: String,
    /// What became of it.
    pub change: GeneratedChange,
    /// True when it is part of the patch all the same, because a flag or settings name it.
    pub included: bool,
    /// Why it isn't, although it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_taken: Option<NotTaken>,
}

/// See [`GeneratedFile::not_taken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotTaken {
    /// It is a symbolic link, or was one.
    Link,
    /// It is git's, or says what git does.
    OfGit,
    /// Its name says that it holds secrets.
    Secret,
    /// Only the repository names it, and it is neither a snapshot nor the lock file of a manifest.
    NoData,
    /// Nothing but its mode differs.
    ModeAlone,
}

impl NotTaken {
    /// For people.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Link => "a link",
            Self::OfGit => "git's",
            Self::Secret => "its name says that it holds secrets",
            Self::NoData => "no snapshot or lock file, and only the repository names it",
            Self::ModeAlone => "only its mode differs",
        }
    }
}

/// See [`GeneratedFile::change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GeneratedChange {
    /// It wasn't there.
    Added,
    /// It was there before the run.
    Modified,
    /// It is gone.
    Deleted,
    /// A tool wrote it, and a command changed that: the patch has what the tool wrote.
    Rewritten,
    /// It can't be part of a patch: too large, or no ordinary file.
    Other,
}

impl GeneratedChange {
    /// For people.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "changed",
            Self::Deleted => "removed",
            Self::Rewritten => "rewritten after the model's edit",
            Self::Other => "can't be in a patch",
        }
    }
}

/// One file of a patch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Its path (the new one of a rename).
    pub path: RelPath,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Lines added (0 for binary files).
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// True when it isn't text.
    pub binary: bool,
}

/// What happened to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It wasn't there.
    Added,
    /// It is gone.
    Deleted,
    /// Its bytes (and perhaps its mode) differ.
    Modified,
    /// Only its mode or type differs.
    ModeChanged,
    /// It was at another path.
    Renamed {
        /// The old path.
        from: RelPath,
    },
}
