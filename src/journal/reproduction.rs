//! Whether a test reproduces what the patch fixes, for events and the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a test fails without the fix and passes with it (event `reproduced`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reproduction {
    /// Whether a test fails without the fix and passes with it.
    pub state: Reproduced,
    /// Names of the tests that do.
    pub by: Vec<String>,
    /// How this was found out, or why not, in one line.
    pub why: String,
    /// True if `--reproduce` asked the model for such a test.
    #[serde(default)]
    pub asked: bool,
}

/// Whether a test fails without the fix and passes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Reproduced {
    /// kcode ran a test that fails without the fix and passes with it.
    #[serde(rename = "yes")]
    Yes,
    /// kcode looked for such a test and found none.
    #[serde(rename = "no")]
    No,
    /// Unknown: kcode didn't or couldn't check.
    #[serde(rename = "not checked")]
    NotChecked,
}

impl Reproduction {
    /// `tests` fail without the fix and pass with it.
    #[must_use]
    pub fn by(tests: Vec<String>, why: impl Into<String>) -> Self {
        Self { by: tests, ..Self::new(Reproduced::Yes, why) }
    }

    /// No test does.
    #[must_use]
    pub fn no(why: impl Into<String>) -> Self {
        Self::new(Reproduced::No, why)
    }

    /// It is unknown.
    #[must_use]
    pub fn not_checked(why: impl Into<String>) -> Self {
        Self::new(Reproduced::NotChecked, why)
    }

    fn new(state: Reproduced, why: impl Into<String>) -> Self {
        Self { state, by: Vec::new(), why: why.into(), asked: false }
    }
}

impl Default for Reproduction {
    fn default() -> Self {
        Self::not_checked("the run has no verified patch")
    }
}
