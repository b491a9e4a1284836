//! Why a test run failed, for events and reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about why a test run failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhyFailed {
    /// The first failed tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<FailedTest>,
    /// Number of further failed tests.
    #[serde(default)]
    pub more: u64,
    /// The last lines of the output, if no single test is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// A cause outside of the code, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
}

/// A failed test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedTest {
    /// Name of the test.
    pub name: String,
    /// The last lines of its message; empty if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// A cause of a failure that lies outside of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCause {
    /// Kind of the cause.
    pub kind: CauseKind,
    /// The cause, a clause for people.
    pub what: String,
    /// What the user can do about it.
    pub hint: String,
    /// True if no test can give a result until the cause is removed.
    pub blocks: bool,
}

/// Kind of a failure's cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The command can't start, or something it needs isn't installed.
    Setup,
    /// The sandbox denies something that the command needs.
    Sandbox,
    /// The command watches for changes and never ends.
    Watch,
    /// The tests pass only with files that commands wrote and that aren't part of the patch.
    Generated,
}
