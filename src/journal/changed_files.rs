//! Events about the files that a patch changes and that commands write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// Description of the patch file as last written (event `patch_written`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchWritten {
    /// SHA-256 of `patch.diff`; `None` if the view equals its start state.
    pub sha256: Option<Digest>,
    /// The changed files.
    pub files: Vec<FileChange>,
    /// Changes that can't be part of a patch, one sentence each.
    pub left_out: Vec<String>,
    /// The first files, by name, that commands such as the tests wrote. They are part of the patch only if a flag or
    /// settings name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<GeneratedFile>,
    /// Number of further generated files that aren't listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generated_more: u64,
    /// Globs of `--include-generated` that match no generated file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_nothing: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A file that was written or removed by a command of the run, not by a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedFile {
    /// Path relative to the root, with bytes that aren't UTF-8 replaced.
    pub path: String,
    /// How the file changed.
    pub change: GeneratedChange,
    /// True if it is part of the patch because a flag or settings name it.
    pub included: bool,
    /// Why it isn't part of the patch although it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_taken: Option<NotTaken>,
}

/// Why a generated file isn't part of the patch although it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotTaken {
    /// It is or was a symbolic link.
    Link,
    /// It belongs to git or configures it.
    OfGit,
    /// Its name suggests that it holds secrets.
    Secret,
    /// Only the repository's settings name it, and it is neither a snapshot nor a manifest's lock file.
    NoData,
    /// Only its mode differs.
    ModeAlone,
}

impl NotTaken {
    /// Words for people.
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

/// How a generated file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GeneratedChange {
    /// It didn't exist before.
    Added,
    /// It existed before the run.
    Modified,
    /// It was removed.
    Deleted,
    /// A tool wrote it and a command changed it afterwards; the patch holds what the tool wrote.
    Rewritten,
    /// It can't be part of a patch: it is too large or not an ordinary file.
    Other,
}

impl GeneratedChange {
    /// Words for people.
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

/// One changed file of a patch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Path; for a rename, the new one.
    pub path: RelPath,
    /// How the file changed.
    pub kind: ChangeKind,
    /// Lines added; 0 for binary files.
    pub added: u64,
    /// Lines removed; 0 for binary files.
    pub removed: u64,
    /// True if it isn't text.
    pub binary: bool,
}

/// How a file changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It didn't exist before.
    Added,
    /// It was removed.
    Deleted,
    /// Its content (and perhaps its mode) differs.
    Modified,
    /// Only its mode or type differs.
    ModeChanged,
    /// It moved from another path.
    Renamed {
        /// Path before the rename.
        from: RelPath,
    },
}
