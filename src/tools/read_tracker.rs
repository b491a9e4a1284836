//! What the model has seen of each file: the ground on which it may replace one, and need not read one again.

use std::collections::HashMap;
use std::ops::Range;

use crate::journal::Digest;

/// Files by the path that the model used.
#[derive(Default)]
pub(super) struct ReadTracker {
    files: HashMap<String, SeenVersion>,
}

/// One version of a file, as far as it was shown.
struct SeenVersion {
    digest: Digest,
    /// Lines that were shown, counted from 0; merged only when they touch.
    shown: Vec<Range<usize>>,
    /// Every line was shown, or comes from the model itself.
    whole: bool,
    /// The last answer was only "unchanged"; asked again, the lines are shown again.
    reminded: bool,
}

/// What the ledger knows of a file that is about to be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadStanding {
    /// Never read.
    Unread,
    /// Read, in another version.
    Stale,
    /// Read in this version, but not all of it.
    Partly,
    /// Every line of this version is known to the model.
    Known,
}

impl ReadTracker {
    /// Notes that `lines` of a file are about to be shown; `total` is how many lines it has, `None` when one of those
    /// shown is cut. True when they were shown before and
    /// nothing changed since; every second time it says false, because a model that asks again has lost them.
    pub fn show(&mut self, path: &str, digest: Digest, lines: Range<usize>, total: Option<usize>) -> bool {
        let fresh = || SeenVersion { digest, shown: Vec::new(), whole: false, reminded: false };
        let seen = self.files.entry(path.to_owned()).or_insert_with(fresh);
        if seen.digest != digest {
            *seen = fresh();
        }
        let known = seen.shown.iter().any(|shown| shown.start <= lines.start && lines.end <= shown.end);
        if known && !seen.reminded {
            seen.reminded = true;
            return true;
        }
        seen.reminded = false;
        seen.add(lines);
        seen.whole |= total.is_some_and(|total| seen.shown.contains(&(0..total)));
        false
    }

    /// Notes that the tool itself changed the file, from one version to another, where the model wrote every new line.
    /// Line numbers moved, so that nothing counts as shown any more; a file known in full stays known.
    pub fn changed(&mut self, path: &str, before: Option<Digest>, after: Digest) {
        let whole = match before {
            None => true,
            Some(before) => self.files.get(path).is_some_and(|seen| seen.whole && seen.digest == before),
        };
        // An edit of a file that was never read doesn't count as reading it.
        if whole || self.files.contains_key(path) {
            self.files
                .insert(path.to_owned(), SeenVersion { digest: after, shown: Vec::new(), whole, reminded: false });
        }
    }

    /// Whether the model knows the version `digest` of `path`.
    pub fn standing(&self, path: &str, digest: Digest) -> ReadStanding {
        match self.files.get(path) {
            None => ReadStanding::Unread,
            Some(seen) if seen.digest != digest => ReadStanding::Stale,
            Some(seen) if seen.whole => ReadStanding::Known,
            Some(_) => ReadStanding::Partly,
        }
    }
}

impl SeenVersion {
    fn add(&mut self, lines: Range<usize>) {
        let touches = |shown: &Range<usize>| shown.start <= lines.end && lines.start <= shown.end;
        let start = self.shown.iter().filter(|shown| touches(shown)).map(|shown| shown.start).min();
        let end = self.shown.iter().filter(|shown| touches(shown)).map(|shown| shown.end).max();
        self.shown.retain(|shown| !touches(shown));
        let merged = lines.start.min(start.unwrap_or(lines.start))..lines.end.max(end.unwrap_or(lines.end));
        self.shown.push(merged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_once_every_line_was_shown() {
        let (mut tracker, one) = (ReadTracker::default(), Digest::of("one"));
        assert!(!tracker.show("a", one, 0..400, Some(900)));
        assert_eq!(tracker.standing("a", one), ReadStanding::Partly);
        assert!(!tracker.show("a", one, 600..900, Some(900)));
        assert!(!tracker.show("a", one, 400..600, Some(900)));
        assert_eq!(tracker.standing("a", one), ReadStanding::Known);
        assert_eq!(tracker.standing("a", Digest::of("two")), ReadStanding::Stale);
        assert_eq!(tracker.standing("b", one), ReadStanding::Unread);
    }

    #[test]
    fn unchanged_is_said_once_then_the_lines_come_again() {
        let (mut tracker, one) = (ReadTracker::default(), Digest::of("one"));
        assert!(!tracker.show("a", one, 0..10, Some(10)));
        assert!(tracker.show("a", one, 2..5, Some(10)));
        assert!(!tracker.show("a", one, 2..5, Some(10)));
        assert!(tracker.show("a", one, 2..5, Some(10)));
    }

    #[test]
    fn a_change_by_the_model_keeps_what_it_knows_but_not_the_line_numbers() {
        let (mut tracker, one, two) = (ReadTracker::default(), Digest::of("one"), Digest::of("two"));
        tracker.show("a", one, 0..10, Some(10));
        tracker.changed("a", Some(one), two);
        assert_eq!(tracker.standing("a", two), ReadStanding::Known);
        assert!(!tracker.show("a", two, 0..10, Some(10)), "the lines moved");
        tracker.changed("b", Some(one), two);
        assert_eq!(tracker.standing("b", two), ReadStanding::Unread);
        tracker.changed("c", None, one);
        assert_eq!(tracker.standing("c", one), ReadStanding::Known);
    }
}
