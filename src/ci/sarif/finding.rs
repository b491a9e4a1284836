//! Findings as an analyzer reports them.

use std::collections::BTreeMap;

use crate::journal::RelPath;

/// The findings of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SarifLog {
    /// Names of the analyzers that ran to their end.
    pub tools: Vec<String>,
    /// What they report, in the file's order.
    pub findings: Vec<SarifFinding>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SarifFinding {
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
pub(crate) struct SarifPlace {
    /// The file.
    pub path: RelPath,
    /// First line, counted from 1.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// The source text that the analyzer quotes.
    pub snippet: String,
}
