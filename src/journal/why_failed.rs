//! Why a run of the tests failed, as far as it is known, as events and reports tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of why a run of the tests failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhyFailed {
    /// Tests that failed, by name; the first of many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<FailedTest>,
    /// How many more failed.
    #[serde(default)]
    pub more: u64,
    /// The last lines of the output, where no test tells by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// What lies behind it besides the code, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedTest {
    /// Its name.
    pub name: String,
    /// The last lines of what it says; none when it says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// A cause of a failure that lies outside of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCause {
    /// Of which kind.
    pub kind: CauseKind,
    /// What it is, a clause for people.
    pub what: String,
    /// What a person can do about it.
    pub hint: String,
    /// True when no test can tell anything until something is done about it.
    pub blocks: bool,
}

/// Of which kind a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The command can't start, or what it needs isn't installed.
    Setup,
    /// The sandbox keeps something from it.
    Sandbox,
    /// It watches for changes, and never ends.
    Watch,
    /// It passes only with files that commands wrote, and that are no part of the patch.
    Generated,
}
