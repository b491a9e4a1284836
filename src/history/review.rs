//! Summary of a person's review of a patch.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::{RelPath, Skimmed};

/// The fields needed of a `Reviewed` event.
#[derive(Deserialize)]
struct ReviewCount {
    concluded: bool,
    hunks: Vec<CountedHunk>,
}

#[derive(Deserialize)]
struct CountedHunk {
    path: RelPath,
    decision: HunkOutcome,
    changed_by_hand: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HunkOutcome {
    Accepted,
    Edited,
    #[serde(other)]
    LeftOut,
}

/// A finished review.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewSummary {
    /// Number of hunks of the patch.
    pub hunks: u64,
    /// Hunks accepted unchanged.
    pub accepted: u64,
    /// Hunks accepted as the person rewrote them.
    pub edited: u64,
    /// Lines that the person added or removed in rewritten hunks.
    pub lines: u64,
    /// Files with at least one accepted hunk.
    #[serde(skip)]
    pub paths: Vec<RelPath>,
}

impl ReviewSummary {
    /// Reads a `reviewed` line; `None` if the review was left unfinished.
    ///
    /// # Errors
    /// When it is another event.
    pub(super) fn read(line: &Skimmed<'_>) -> io::Result<Option<Self>> {
        let Some(reviewed) = line.read::<ReviewCount>()?.filter(|reviewed| reviewed.concluded) else { return Ok(None) };
        let mut summary = Self { hunks: reviewed.hunks.len() as u64, ..Self::default() };
        for hunk in reviewed.hunks.into_iter().filter(|hunk| hunk.decision != HunkOutcome::LeftOut) {
            let edited = u64::from(hunk.decision == HunkOutcome::Edited);
            summary.accepted += 1 - edited;
            summary.edited += edited;
            summary.lines += edited * hunk.changed_by_hand;
            summary.paths.push(hunk.path);
        }
        Ok(Some(summary))
    }

    /// True if all hunks were accepted unchanged.
    #[must_use]
    pub const fn takes_all(&self) -> bool {
        self.accepted == self.hunks
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::history::{PatchFate, RunSummary, summarise};
    use crate::journal::{Digest, EVENT_SCHEMA, RelPath};

    /// A summary of a run with a patch of two files and these events of a review.
    fn decided(events: &[Value]) -> RunSummary {
        let file = |path| json!({ "path": path, "kind": "modified", "added": 1, "removed": 1, "binary": false });
        let limits = json!({ "max_turns": 9, "max_tokens": null, "max_cost_usd": null, "max_time_s": 9 });
        let begun = [
            json!({
                "type": "run_started", "run": "abcdefgh", "version": "0.0.0", "task": "t", "repository": "/r",
                "head": null, "model": "m", "base_url": "u", "sandbox": "auto", "limits": limits, "cache_key": "k",
            }),
            json!({
                "type": "patch_written", "sha256": Digest::of("p"), "files": [file("a"), file("b")], "left_out": [],
            }),
        ];
        let mut journal = String::new();
        for (seq, event) in begun.iter().chain(events).enumerate() {
            let mut record = json!({ "schema": EVENT_SCHEMA, "seq": seq, "at": "2026-01-05", "elapsed_ms": seq });
            record.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
            journal += &(record.to_string() + "\n");
        }
        summarise(journal.as_bytes()).unwrap().unwrap()
    }

    fn reviewed(concluded: bool, decisions: [&str; 2]) -> Value {
        let hunk = |(path, decision)| json!({ "path": path, "decision": decision, "changed_by_hand": 3, "turn": 1 });
        let hunks: Vec<Value> = ["a", "b"].into_iter().zip(decisions).map(hunk).collect();
        json!({ "type": "reviewed", "concluded": concluded, "hunks": hunks })
    }

    #[test]
    fn a_patch_is_whole_only_when_every_hunk_was_taken_as_it_was() {
        let applied = |partial| json!({ "type": "applied", "files": 2, "partial": partial });
        let fate = |decisions: [&str; 2]| {
            let is_partial = decisions.iter().any(|decision| *decision != "accepted");
            decided(&[reviewed(true, decisions), applied(is_partial)]).fate
        };
        assert_eq!(decided(&[applied(false)]).fate, PatchFate::Applied);
        assert_eq!(fate(["accepted", "accepted"]), PatchFate::Applied);
        assert_eq!(fate(["accepted", "rejected"]), PatchFate::Partly);
        assert_eq!(fate(["accepted", "edited"]), PatchFate::Partly);
        assert_eq!(fate(["accepted", "undecided"]), PatchFate::Partly);
        assert_eq!(decided(&[reviewed(true, ["rejected", "rejected"])]).fate, PatchFate::Waiting);
    }

    #[test]
    fn a_patch_that_was_applied_whole_after_all_is_whole() {
        let applied = json!({ "type": "applied", "files": 2 });
        let run = decided(&[reviewed(true, ["accepted", "rejected"]), applied]);
        assert_eq!((run.fate, run.review), (PatchFate::Applied, None));
    }

    #[test]
    fn what_was_rewritten_is_counted_and_what_was_left_out_is_not_looked_for() {
        let applied = json!({ "type": "applied", "files": 1, "partial": true });
        let run = decided(&[reviewed(true, ["edited", "rejected"]), applied]);
        let review = run.review.unwrap();
        assert_eq!((review.hunks, review.accepted, review.edited, review.lines), (2, 0, 1, 3));
        assert_eq!(run.paths.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_review_that_was_left_or_undone_counts_no_more() {
        let applied = json!({ "type": "applied", "files": 2 });
        assert_eq!(decided(&[reviewed(false, ["edited", "rejected"]), applied.clone()]).fate, PatchFate::Applied);
        let undone = json!({ "type": "undone", "files": 2 });
        let run = decided(&[reviewed(true, ["edited", "accepted"]), applied.clone(), undone.clone()]);
        assert_eq!((run.fate, run.review), (PatchFate::Undone, None));
        let run = decided(&[reviewed(true, ["edited", "accepted"]), applied.clone(), undone, applied]);
        assert_eq!(run.fate, PatchFate::Applied, "then all of it was applied");
    }
}
