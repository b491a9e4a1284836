//! Why a SARIF file can't be used.

/// Why a SARIF file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SarifError {
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
}

impl SarifError {
    /// What can be done about it.
    #[must_use]
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "give a file in the format SARIF 2.1.0",
            Self::Nothing => "there is nothing to mend",
            Self::NoChoice { .. } => {
                "choose with --finding NUMBER (counted from 1), --finding FINGERPRINT or --rule ID"
            }
            Self::NotThere(_) => "numbers count from 1 in the file's order; rules and fingerprints are as in the file",
            Self::BadPath { .. } => "let the analyzer write paths relative to the repository's root",
        }
    }
}
