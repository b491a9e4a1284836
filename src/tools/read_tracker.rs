//! Tracks what the model has seen of each file. It may replace only files that it knows, and needn't read them again.

use std::collections::HashMap;
use std::ops::Range;

use crate::journal::Digest;

/// Files by the path that the model used.
#[derive(Default)]
pub(super) struct ReadTracker {
    files: HashMap<String, SeenVersion>,
}

/// The version of a file that was shown last.
struct SeenVersion {
    digest: Digest,
    /// Ranges of shown lines, counted from 0; adjacent ranges are merged.
    shown: Vec<Range<usize>>,
    /// Every line was shown, or was written by the model.
    whole: bool,
    /// The last answer was only "unchanged"; the next one shows the lines again.
    reminded: bool,
}

/// What the model knows of a file that it is about to replace.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadStanding {
    Unread,
    /// Another version was read.
    Stale,
    /// Only parts of this version were read.
    Partly,
    /// The model knows every line of this version.
    Known,
}

impl ReadTracker {
    /// Records that `lines` of a file are about to be shown. `total` is the file's number of lines, or `None` if a
    /// shown line is cut. Returns true if the same lines were shown before and the file is unchanged; every second time
    /// it returns false, because a model that asks again has lost them.
    pub(super) fn show(&mut self, path: &str, digest: Digest, lines: Range<usize>, total: Option<usize>) -> bool {
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

    /// Records that a tool changed the file and the model wrote every new line. Line numbers moved, so no line counts
    /// as shown any more; a file known completely stays known.
    pub(super) fn changed(&mut self, path: &str, before: Option<Digest>, after: Digest) {
        let whole = match before {
            None => true,
            Some(before) => self.files.get(path).is_some_and(|seen| seen.whole && seen.digest == before),
        };
        // Editing a file that was never read doesn't count as reading it.
        if whole || self.files.contains_key(path) {
            self.files
                .insert(path.to_owned(), SeenVersion { digest: after, shown: Vec::new(), whole, reminded: false });
        }
    }

    /// What the model knows of the version `digest` of `path`.
    pub(super) fn standing(&self, path: &str, digest: Digest) -> ReadStanding {
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
