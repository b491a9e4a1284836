//! Events about a person's review of a patch, hunk by hunk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// A person's review of the patch (event `reviewed`). The last one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reviewed {
    /// SHA-256 of the reviewed patch.
    pub patch_sha256: Option<Digest>,
    /// True if the person finished the review: what was accepted is applied next, unless the tests fail on it. False if
    /// the review was left, to be continued later.
    pub concluded: bool,
    /// All hunks of the patch, in order.
    pub hunks: Vec<HunkReviewed>,
}

/// One hunk as it was shown in the review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HunkReviewed {
    /// Path of the file.
    pub path: RelPath,
    /// Indices of the patch's parts that the hunk consists of.
    pub parts: Vec<u64>,
    /// Number of added lines.
    pub added: u64,
    /// Number of removed lines.
    pub removed: u64,
    /// The model's turn that made the hunk, if the journal tells.
    pub turn: Option<u32>,
    /// The person's decision.
    pub decision: HunkDecision,
    /// Digest of the text that replaces it, among the contents in the run's folder.
    pub edited: Option<Digest>,
    /// Number of lines that the person added or removed in it.
    pub changed_by_hand: u64,
}

/// Decision about a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HunkDecision {
    /// No decision; the hunk is left out.
    Undecided,
    /// The hunk is taken as it is.
    Accepted,
    /// The hunk is left out.
    Rejected,
    /// The hunk is taken as the person rewrote it.
    Edited,
}
