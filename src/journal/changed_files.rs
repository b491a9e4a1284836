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
