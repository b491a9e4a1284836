//! How a verified patch was minimized, for events and the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A trial of a part of the patch, to find out which hunks the tests need (event `hunks_tried`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HunksTried {
    /// Number of hunks that were kept in this trial.
    pub kept: u64,
    /// Number of hunks of the whole patch.
    pub of: u64,
    /// True if every test result and the exit code were the same as with the whole patch.
    pub same: bool,
}

/// Result of the search for a smaller patch (event `minimized`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Minimized {
    /// Number of hunks of the model's patch.
    pub hunks_before: u64,
    /// Number of hunks left: those that some test needs, and all hunks of tests.
    pub hunks_after: u64,
    /// Number of trials.
    pub tried: u64,
    /// True if none of the remaining hunks can be dropped alone; false if there was no time to find out.
    pub complete: bool,
    /// Why the patch was left unchanged; `null` if the search told which hunks the tests need.
    pub why: Option<String>,
}
