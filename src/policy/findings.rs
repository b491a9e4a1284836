//! Findings, collected and put in order.

use crate::journal::{PolicyClass, PolicyFinding, PolicyReport, PolicyVerdict};

/// Number of findings that a report lists.
const LISTED: usize = 200;
/// Number of findings of one class in one file; one line is enough to refuse a file.
const OF_ONE_KIND: usize = 20;

/// The findings so far.
pub(super) struct Findings {
    all: Vec<PolicyFinding>,
    left_out: u64,
    verdict: PolicyVerdict,
}

impl Findings {
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), left_out: 0, verdict: PolicyVerdict::Allow }
    }

    /// Adds a finding, unless it is simply allowed.
    pub(super) fn add(&mut self, finding: PolicyFinding) {
        if finding.verdict == PolicyVerdict::Allow {
            return;
        }
        self.verdict = self.verdict.max(finding.verdict);
        let same = self.all.iter().rev().take(OF_ONE_KIND);
        let same = same.filter(|other| other.class == finding.class && other.path == finding.path).count();
        if same == OF_ONE_KIND {
            self.left_out += 1;
        } else {
            self.all.push(finding);
        }
    }

    pub(super) fn report(mut self, files: usize, bytes: usize) -> PolicyReport {
        self.all.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        self.left_out += self.all.len().saturating_sub(LISTED) as u64;
        self.all.truncate(LISTED);
        PolicyReport {
            verdict: self.verdict,
            findings: self.all,
            findings_left_out: self.left_out,
            files: files as u64,
            bytes: bytes as u64,
        }
    }
}

/// A finding that no setting changes.
pub(super) fn refused(class: PolicyClass, path: &str, why: impl Into<String>) -> PolicyFinding {
    PolicyFinding { verdict: PolicyVerdict::Refuse, class, path: Some(path.to_owned()), line: None, why: why.into() }
}
