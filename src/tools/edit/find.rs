//! Finds a passage, in four tiers.

use std::ops::Range;

use super::indent::Shift;
use super::projection::{Projection, plain};
use crate::tools::text::TextLine;

/// Most places searched for; no answer needs a longer list.
pub(super) const ENOUGH: usize = 100;

/// One place where `old_text` was found.
pub(super) struct Passage {
    /// Byte range in the content.
    pub range: Range<usize>,
    /// How the request's indentation differs from the file's there.
    pub shift: Shift,
}

/// The places found by the first tier that finds any. `old` and `new` use `\n` as their only line ending.
pub(super) fn passages(content: &str, lines: &[TextLine<'_>], old: &str, new: &str) -> (Tier, Vec<Passage>) {
    let tiers: [(Tier, &dyn Fn() -> Vec<Passage>); 4] = [
        (Tier::Exact, &|| substrings(content, old, |char| char)),
        (Tier::TrailingWhitespace, &|| whole_lines(lines, old, |text| text.trim_end(), |_| Some(Shift::NONE))),
        (Tier::Indentation, &|| {
            whole_lines(lines, old, |text| text.trim(), |found| Shift::between(old.split('\n'), found, new))
        }),
        (Tier::LookAlikes, &|| substrings(content, old, plain)),
    ];
    let found = tiers.into_iter().map(|(tier, find)| (tier, find())).find(|(_, passages)| !passages.is_empty());
    found.unwrap_or((Tier::Exact, Vec::new()))
}

/// Every place of `old` in the content, overlapping ones included; both are mapped through `fold`.
fn substrings(content: &str, old: &str, fold: impl Fn(char) -> char + Copy) -> Vec<Passage> {
    let hay = Projection::new(content, fold);
    let needle = Projection::new(old, fold).text;
    let step = needle.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    let starts = std::iter::from_fn(|| {
        let at = from + hay.text[from..].find(&needle)?;
        from = at + step;
        Some(at)
    });
    let original = |at| Passage { range: hay.original(at)..hay.original(at + needle.len()), shift: Shift::NONE };
    starts.take(ENOUGH).map(original).collect()
}

/// Every run of whole lines that equals the lines of `old` after `trim`, and for which `shift` finds how to indent the
/// request's lines.
fn whole_lines<'a>(
    lines: &[TextLine<'a>],
    old: &'a str,
    trim: impl Fn(&'a str) -> &'a str,
    shift: impl Fn(&[TextLine<'a>]) -> Option<Shift>,
) -> Vec<Passage> {
    let wanted: Vec<_> = old_lines(old).map(&trim).collect();
    // Blank lines match everywhere.
    if wanted.iter().all(|line| line.is_empty()) || wanted.len() > lines.len() {
        return Vec::new();
    }
    let trimmed: Vec<_> = lines.iter().map(|line| trim(line.text)).collect();
    let starts = trimmed.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at);
    let passage = |at: usize| {
        let found = &lines[at..at + wanted.len()];
        let last = found.last()?;
        // A passage that ends with a line break includes the last line's ending.
        let end = if old.ends_with('\n') { last.end() } else { last.text_end() };
        Some(Passage { range: found[0].start..end, shift: shift(found)? })
    };
    starts.filter_map(passage).take(ENOUGH).collect()
}

/// The lines of `old`; a line break at its end starts no further line.
pub(super) fn old_lines(old: &str) -> impl Iterator<Item = &str> {
    old.strip_suffix('\n').unwrap_or(old).split('\n')
}

/// How `old_text` was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// As written, apart from line endings.
    Exact,
    /// With other whitespace at line ends.
    TrailingWhitespace,
    /// With other indentation.
    Indentation,
    /// With other quotes, dashes or spaces.
    LookAlikes,
}

impl Tier {
    /// A remark for the model; `None` for an exact match.
    #[must_use]
    pub const fn remark(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::TrailingWhitespace => Some("found with other whitespace at the ends of lines"),
            Self::Indentation => Some("found with other indentation; new_text was indented as the file is"),
            Self::LookAlikes => {
                Some("found with typographic quotes, dashes or spaces, kept where new_text has the same")
            }
        }
    }
}
