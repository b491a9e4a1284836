//! The unit of a review: nearby changes of one file, which are read together.

use std::ops::Range;

use crate::workspace::LineRange;

/// Number of unchanged lines shown around a change.
pub(super) const CONTEXT: usize = 3;

/// A hunk and its decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReviewedHunk {
    /// Index of its file in the material.
    pub file: usize,
    /// Indices of the file's changed line ranges that it consists of.
    pub places: Range<usize>,
    /// Indices of the patch's parts that are accepted or rejected with it.
    pub parts: Vec<usize>,
    /// True if the file can only be accepted, rejected or rewritten as a whole.
    pub is_whole: bool,
    /// The person's decision.
    pub decision: HunkDecided,
}

/// Decision about a hunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum HunkDecided {
    /// No decision yet.
    #[default]
    Open,
    /// The hunk is applied.
    Accepted,
    /// The hunk is left out.
    Rejected,
    /// This text is applied in place of the hunk.
    Edited(Vec<u8>),
}

impl HunkDecided {
    /// Sign of the decision, one column wide.
    #[must_use]
    pub(crate) const fn sign(&self) -> &'static str {
        match self {
            Self::Open => "·",
            Self::Accepted => "✓",
            Self::Rejected => "✗",
            Self::Edited(_) => "✎",
        }
    }
}

impl ReviewedHunk {
    /// Groups the changes of a file whose parts can be decided about separately; the first part has the index `first`.
    pub(super) fn grouped(file: usize, first: usize, places: &[LineRange]) -> Vec<Self> {
        let mut hunks: Vec<Self> = Vec::new();
        for (index, place) in places.iter().enumerate() {
            let near = |before: &LineRange| place.old.start - before.old.end <= 2 * CONTEXT;
            match hunks.last_mut().filter(|_| places.get(index.wrapping_sub(1)).is_some_and(near)) {
                Some(hunk) => hunk.places.end = index + 1,
                None => hunks.push(Self::of(file, index..index + 1)),
            }
        }
        for hunk in &mut hunks {
            hunk.parts = hunk.places.clone().map(|place| first + place).collect();
        }
        hunks
    }

    /// A hunk for a file that can only be accepted or rejected as a whole.
    pub(super) fn whole(file: usize, places: usize, parts: Vec<usize>) -> Self {
        Self { parts, is_whole: true, ..Self::of(file, 0..places) }
    }

    fn of(file: usize, places: Range<usize>) -> Self {
        Self { file, places, parts: Vec::new(), is_whole: false, decision: HunkDecided::Open }
    }

    /// Splits the hunk into one hunk per part; `None` if there is only one.
    pub(super) fn split(&self) -> Option<Vec<Self>> {
        let decision = match &self.decision {
            HunkDecided::Edited(_) => HunkDecided::Open,
            kept => kept.clone(),
        };
        let alone = |(place, part): (usize, &usize)| Self {
            parts: vec![*part],
            decision: decision.clone(),
            ..Self::of(self.file, place..place + 1)
        };
        let each = self.parts.len() > 1 && !self.is_whole;
        each.then(|| self.places.clone().zip(&self.parts).map(alone).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(old: Range<usize>) -> LineRange {
        LineRange { new: old.clone(), old }
    }

    #[test]
    fn near_places_are_one_hunk_until_it_is_split() {
        let places = [place(0..1), place(7..8), place(15..15)];
        let hunks = ReviewedHunk::grouped(4, 10, &places);
        let parts: Vec<_> = hunks.iter().map(|hunk| hunk.parts.clone()).collect();
        assert_eq!(parts, [vec![10, 11], vec![12]]);
        let halves = hunks[0].split().expect("it has two parts");
        assert_eq!((&halves[1].places, &halves[1].parts), (&(1..2), &vec![11]));
        assert_eq!((hunks[1].split(), halves[0].split()), (None, None));
    }

    #[test]
    fn a_whole_file_is_not_split() {
        assert_eq!(ReviewedHunk::whole(0, 2, vec![3]).split(), None);
    }
}
