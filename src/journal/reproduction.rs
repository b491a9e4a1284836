//! Whether a test shows what the patch mends, as events and the report tell it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See `Event::Reproduced`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reproduction {
    /// Whether a test fails without the fix and passes with it.
    pub state: Reproduced,
    /// The tests that do.
    pub by: Vec<String>,
    /// How it was found out, or why not; in one line.
    pub why: String,
    /// True when `--reproduce` asked the model for such a test.
    #[serde(default)]
    pub asked: bool,
}

/// Whether a test shows what the patch mends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Reproduced {
    /// kcode saw a test fail without the fix, and pass with it.
    #[serde(rename = "yes")]
    Yes,
    /// It looked, and there is no such test.
    #[serde(rename = "no")]
    No,
    /// Nobody could tell.
    #[serde(rename = "not checked")]
    NotChecked,
}

impl Reproduction {
    /// These tests show it.
    #[must_use]
    pub fn by(tests: Vec<String>, why: impl Into<String>) -> Self {
        Self { by: tests, ..Self::new(Reproduced::Yes, why) }
    }

    /// No test shows it.
    #[must_use]
    pub fn no(why: impl Into<String>) -> Self {
        Self::new(Reproduced::No, why)
    }

    /// It isn't known.
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
        Self::not_checked("the run didn't come to a patch that its tests stand behind")
    }
}
