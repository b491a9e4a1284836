//! What a person decided about a patch, hunk by hunk, as events tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// See `Event::Reviewed`. The last one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reviewed {
    /// The patch that was looked at.
    pub patch_sha256: Option<Digest>,
    /// True when the person came to an end with it: what was accepted is applied next, if the tests don't stand against
    /// it. False when the review was left, to be taken up again.
    pub concluded: bool,
    /// Every hunk of the patch, in its order.
    pub hunks: Vec<HunkReviewed>,
}

/// One hunk, as it was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HunkReviewed {
    /// The file.
    pub path: RelPath,
    /// The numbers of the patch's parts that it is made of.
    pub parts: Vec<u64>,
    /// Lines that it adds.
    pub added: u64,
    /// Lines that it removes.
    pub removed: u64,
    /// The model's turn that made it, as far as the journal tells.
    pub turn: Option<u32>,
    /// What was decided.
    pub decision: HunkDecision,
    /// The text that a person put in its place, among the run's contents.
    pub edited: Option<Digest>,
    /// Lines that the person added or removed in it.
    pub changed_by_hand: u64,
}

/// What was decided about a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HunkDecision {
    /// Nothing; it is left out.
    Undecided,
    /// It goes in as it is.
    Accepted,
    /// It stays out.
    Rejected,
    /// It goes in as a person rewrote it.
    Edited,
}
