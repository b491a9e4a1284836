//! Findings of an analyzer (SARIF 2.1.0) as task, and what became of them.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. The analyzer may be trusted, but it quotes the
//! repository: every path is checked, every text quoted.
//!
//! | File | What it is about |
//! |---|---|
//! | `read` | the findings of a file |
//! | `paths` | addresses of files as paths in the repository |
//! | `choose` | the findings that were asked for, as task |
//! | `compare` | which of them the analyzer still reports |

mod choose;
mod compare;
mod paths;
mod read;

use std::collections::BTreeMap;

use crate::journal::RelPath;

pub use choose::{choose, task};
pub use compare::{SarifComparison, compare};
pub use read::read;

/// The findings of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct SarifLog {
    /// Names of the analyzers that ran to their end.
    pub tools: Vec<String>,
    /// What they report, in the file's order.
    pub findings: Vec<SarifFinding>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct SarifFinding {
    /// Place in the file, counted from 1: what `--finding` takes.
    pub number: usize,
    /// Name of the analyzer.
    pub tool: String,
    /// Id of the rule.
    pub rule: String,
    /// What the analyzer says, as it came.
    pub message: String,
    /// What the rule is about, as it came.
    pub help: String,
    /// The file and its lines; `None` if it is about none, or about one outside of the repository.
    pub place: Option<SarifPlace>,
    /// Why there is no place though the finding names one.
    pub bad_place: Option<String>,
    /// What stays the same when lines move, by the name of the method.
    pub fingerprints: BTreeMap<String, String>,
    /// True if a comment or a setting tells the analyzer to be silent about it.
    pub is_suppressed: bool,
}

/// Lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SarifPlace {
    /// The file.
    pub path: RelPath,
    /// First line, counted from 1.
    pub first: Option<u64>,
    /// Last line.
    pub last: Option<u64>,
    /// The source text that the analyzer quotes.
    pub snippet: String,
}

/// Why a SARIF file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SarifError {
    /// It isn't SARIF 2.1.0.
    #[error("the SARIF file can't be read: {0}")]
    Unreadable(String),
    /// It has no finding, or none that is not suppressed.
    #[error("the SARIF file reports nothing")]
    Nothing,
    /// Several findings, and none was chosen.
    #[error("the SARIF file has {count} findings, of the rules {rules}")]
    NoChoice {
        /// How many.
        count: usize,
        /// Ids of rules, a few.
        rules: String,
    },
    /// No finding is what was asked for.
    #[error("the SARIF file has no finding {0}")]
    NotThere(String),
    /// A file is named that a task can't name.
    #[error("finding {number} can't be a task: {why}")]
    BadPath {
        /// The finding's number.
        number: usize,
        /// The reason.
        why: String,
    },
    /// The analyzer didn't run to its end afterwards.
    #[error("{0} didn't run to its end, so that what it doesn't report may still be there")]
    DidNotRun(String),
}

impl SarifError {
    /// What can be done about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "give a file in the format SARIF 2.1.0",
            Self::Nothing => "there is nothing to mend",
            Self::NoChoice { .. } => {
                "choose with --finding NUMBER (counted from 1), --finding FINGERPRINT or --rule ID"
            }
            Self::NotThere(_) => "numbers count from 1 in the file's order; rules and fingerprints are as in the file",
            Self::BadPath { .. } => "let the analyzer write paths relative to the repository's root",
            Self::DidNotRun(_) => "look at the analyzer's own output",
        }
    }
}
