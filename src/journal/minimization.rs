//! How a verified patch was made smaller, as events and the report tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See `Event::HunksTried`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HunksTried {
    /// How many hunks the patch was tried with.
    pub kept: u64,
    /// How many it has.
    pub of: u64,
    /// True when every test went as with the whole patch, and the exit code was the same.
    pub same: bool,
}

/// See `Event::Minimized`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Minimized {
    /// Hunks of the patch that the model made.
    pub hunks_before: u64,
    /// Hunks of the patch as it stands now: those that some test needs, and all that are tests.
    pub hunks_after: u64,
    /// Parts of the patch that the tests ran on.
    pub tried: u64,
    /// True when none of the hunks that are left could be dropped alone; false when there was no time to find that out.
    pub complete: bool,
    /// Why the patch was left as it was; `null` when the tests told which hunks they need.
    pub why: Option<String>,
}
