//! A person's review of the patch, folded from the journal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::CheckReport;
use crate::journal::{Event, HunkDecision, Record, Reviewed, TestPurpose};

/// A person's finished review of the patch. Hunks that were split in the review count once per piece.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewReport {
    /// Number of hunks.
    pub hunks: u64,
    /// Hunks that were accepted unchanged.
    pub accepted: u64,
    /// Hunks that were accepted as the person rewrote them.
    pub edited: u64,
    /// Hunks that were rejected.
    pub rejected: u64,
    /// Hunks without a decision, which were left out.
    pub undecided: u64,
    /// Lines that the person added or removed in rewritten hunks.
    pub changed_by_hand: u64,
    /// Whether tests and required checks passed on exactly the accepted part; `null` if they didn't run on it, because
    /// it was the whole patch or nobody asked for that.
    pub passed: Option<bool>,
    /// True if exactly that part is in the user's tree.
    pub applied: bool,
}

impl ReviewReport {
    /// The last finished review. `checks` tells which checks are required.
    #[must_use]
    pub fn last(records: &[Record], checks: &[CheckReport]) -> Option<Self> {
        let is_required = |name: &str| checks.iter().any(|check| check.chosen.name == name && check.chosen.required);
        let mut last: Option<Self> = None;
        let (mut tests, mut failing) = (None, false);
        for record in records {
            match &record.event {
                Event::Reviewed(reviewed) => {
                    last = reviewed.concluded.then(|| Self::of(reviewed));
                    (tests, failing) = (None, false);
                }
                // Tests may run twice; the last run counts.
                Event::TestsRan(ran) if ran.purpose == TestPurpose::Review => tests = Some(ran.result.passed),
                Event::CheckRan(check) if check.ran.purpose == TestPurpose::Review => {
                    failing |= is_required(&check.name) && !check.ran.result.passed;
                    tests = tests.or(Some(true));
                }
                Event::Applied(applied) => {
                    last = last.take().map(|last| Self { applied: applied.partial || last.takes_all(), ..last });
                }
                Event::Undone(_) => last = last.take().map(|last| Self { applied: false, ..last }),
                _ => {}
            }
        }
        last.map(|last| Self { passed: tests.map(|passed| passed && !failing), ..last })
    }

    fn of(reviewed: &Reviewed) -> Self {
        let mut told = Self { hunks: reviewed.hunks.len() as u64, ..Self::default() };
        for hunk in &reviewed.hunks {
            let count = match hunk.decision {
                HunkDecision::Accepted => &mut told.accepted,
                HunkDecision::Edited => &mut told.edited,
                HunkDecision::Rejected => &mut told.rejected,
                HunkDecision::Undecided => &mut told.undecided,
            };
            *count += 1;
            told.changed_by_hand += hunk.changed_by_hand;
        }
        told
    }

    /// True if all hunks were accepted unchanged.
    #[must_use]
    pub const fn takes_all(&self) -> bool {
        self.accepted == self.hunks
    }

    /// One line for people.
    #[must_use]
    pub fn told(&self) -> String {
        let edited = if self.edited > 0 { format!(", {} as rewritten by hand", self.edited) } else { String::new() };
        let tests = match self.passed {
            Some(true) => ", tested on their own: pass",
            Some(false) => ", tested on their own: fail",
            None if self.takes_all() => "",
            None => ", not tested without the rest",
        };
        format!("{} of {} hunks accepted{edited}{tests}", self.accepted + self.edited, self.hunks)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn last(events: &[serde_json::Value]) -> Option<ReviewReport> {
        let record = |(seq, event): (usize, &serde_json::Value)| {
            let mut record = json!({ "schema": "kcode.event/1", "seq": seq, "at": "", "elapsed_ms": 0 });
            let fields = event.as_object().expect("an event").clone();
            record.as_object_mut().expect("a record").extend(fields);
            serde_json::from_value(record).expect("a record")
        };
        let records: Vec<Record> = events.iter().enumerate().map(record).collect();
        ReviewReport::last(&records, &[])
    }

    fn reviewed(concluded: bool, decisions: &[&str]) -> serde_json::Value {
        let hunk = |decision| {
            json!({ "path": "a", "parts": [0], "added": 1, "removed": 1, "turn": 1, "decision": decision,
                    "edited": null, "changed_by_hand": u64::from(decision == "edited") * 2 })
        };
        let hunks: Vec<_> = decisions.iter().map(|decision| hunk(*decision)).collect();
        json!({ "type": "reviewed", "patch_sha256": null, "concluded": concluded, "hunks": hunks })
    }

    fn tests(passed: bool) -> serde_json::Value {
        json!({ "type": "tests_ran", "purpose": "review", "command": "t", "log": "l", "patch_sha256": null,
                "passed": passed, "exit_code": null, "stopped": null, "counts": null, "ms": 1, "contradiction": null })
    }

    #[test]
    fn the_last_review_that_came_to_an_end_counts() {
        let partly = reviewed(true, &["accepted", "rejected", "edited", "undecided"]);
        let applied = json!({ "type": "applied", "files": 1, "partial": true });
        let told = last(&[partly.clone(), tests(false), tests(true), applied.clone()]).expect("a review");
        assert_eq!((told.accepted, told.edited, told.rejected, told.undecided), (1, 1, 1, 1));
        assert_eq!((told.passed, told.applied, told.changed_by_hand), (Some(true), true, 2));
        assert_eq!(last(&[partly.clone(), tests(false), tests(false)]).expect("a review").passed, Some(false));
        assert_eq!(last(&[partly.clone(), reviewed(false, &["accepted"])]), None, "it was taken up again and left");
        let whole = json!({ "type": "applied", "files": 2 });
        assert!(
            !last(&[partly.clone(), whole.clone()]).expect("a review").applied,
            "kcode apply takes the whole patch"
        );
        assert!(last(&[reviewed(true, &["accepted"]), whole]).expect("a review").applied);
        let undone = json!({ "type": "undone", "files": 1 });
        assert!(!last(&[partly, applied, undone]).expect("a review").applied);
    }
}
