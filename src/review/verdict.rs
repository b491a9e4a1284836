//! Converts the decisions to a change set to apply, and to an event and back.

use std::io;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::hunk::{HunkDecided, ReviewedHunk};
use super::session::Review;
use crate::journal::{Digest, HunkDecision, HunkReviewed, Reviewed};
use crate::workspace::{Blobs, ChangeSet, Parts, Replacement, lines};

impl Review {
    /// True if every hunk is accepted unchanged: the patch that the run's own tests verified.
    #[must_use]
    pub(crate) fn takes_all(&self) -> bool {
        self.hunks.iter().all(|hunk| hunk.decision == HunkDecided::Accepted)
    }

    /// True if any hunk is decided.
    #[must_use]
    pub(crate) fn has_decisions(&self) -> bool {
        self.hunks.iter().any(|hunk| hunk.decision != HunkDecided::Open)
    }

    /// The accepted part of the patch.
    ///
    /// # Errors
    /// When a content can't be stored.
    pub(crate) fn accepted(&self, parts: &Parts) -> io::Result<ChangeSet> {
        let (mut kept, mut instead) = (Vec::new(), Vec::new());
        for hunk in &self.hunks {
            match (&hunk.decision, hunk.parts.first(), hunk.parts.last()) {
                (HunkDecided::Accepted, ..) => kept.extend(&hunk.parts),
                (HunkDecided::Edited(text), Some(first), Some(last)) => {
                    instead.push(Replacement { parts: *first..last + 1, text: text.clone() });
                }
                _ => {}
            }
        }
        parts.chosen(&kept, &instead)
    }

    /// The decisions as an event; texts that the person wrote are stored in `blobs`.
    ///
    /// # Errors
    /// When a text can't be stored.
    pub(crate) fn event(&self, patch_sha256: Option<Digest>, concluded: bool, blobs: &Blobs) -> io::Result<Reviewed> {
        let hunks = self.hunks.iter().map(|hunk| self.hunk_event(hunk, blobs)).collect::<io::Result<_>>()?;
        Ok(Reviewed { patch_sha256, concluded, hunks })
    }

    fn hunk_event(&self, hunk: &ReviewedHunk, blobs: &Blobs) -> io::Result<HunkReviewed> {
        let (old, new) = self.material.lines_of(hunk);
        let mut told = HunkReviewed {
            path: self.material.files[hunk.file].path.clone(),
            parts: hunk.parts.iter().map(|part| *part as u64).collect(),
            added: new.len() as u64,
            removed: old.len() as u64,
            turn: self.material.origin(hunk).filter(|edit| !edit.earlier).map(|edit| edit.turn),
            decision: HunkDecision::Undecided,
            edited: None,
            changed_by_hand: 0,
        };
        match &hunk.decision {
            HunkDecided::Open => {}
            HunkDecided::Accepted => told.decision = HunkDecision::Accepted,
            HunkDecided::Rejected => told.decision = HunkDecision::Rejected,
            HunkDecided::Edited(text) => {
                told.decision = HunkDecision::Edited;
                told.edited = Some(blobs.keep(text)?);
                told.changed_by_hand = distance(&self.material.text_of(hunk).unwrap_or_default(), text);
            }
        }
        Ok(told)
    }
}

/// Applies the decisions of `reviewed` to `hunks`; `None` if it is about another patch or has no decisions.
#[must_use]
pub(crate) fn recalled(hunks: &[ReviewedHunk], reviewed: &Reviewed, blobs: &Blobs) -> Option<Vec<ReviewedHunk>> {
    let mut decided = reviewed.hunks.iter().peekable();
    let mut recalled = Vec::new();
    for whole in hunks {
        let is_whole = |told: &HunkReviewed| told.parts.len() == whole.parts.len();
        let pieces =
            if decided.peek().is_some_and(|told| is_whole(told)) { vec![whole.clone()] } else { whole.split()? };
        for mut piece in pieces {
            let told = decided.next()?;
            if !told.parts.iter().copied().eq(piece.parts.iter().map(|part| *part as u64)) {
                return None;
            }
            piece.decision = match (told.decision, told.edited) {
                (HunkDecision::Accepted, _) => HunkDecided::Accepted,
                (HunkDecision::Rejected, _) => HunkDecided::Rejected,
                (HunkDecision::Edited, Some(text)) => HunkDecided::Edited(blobs.read(text).ok()?),
                (HunkDecision::Undecided | HunkDecision::Edited, _) => HunkDecided::Open,
            };
            recalled.push(piece);
        }
    }
    recalled.iter().any(|hunk| hunk.decision != HunkDecided::Open).then_some(recalled)
}

/// Number of added and removed lines between two texts.
fn distance(before: &[u8], after: &[u8]) -> u64 {
    let operations = capture_diff_slices(Algorithm::Myers, &lines(before), &lines(after));
    let changed = operations.iter().filter(|operation| !matches!(operation, DiffOp::Equal { .. }));
    changed.map(|operation| (operation.old_range().len() + operation.new_range().len()) as u64).sum()
}
