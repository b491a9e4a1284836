//! A change set in parts that can be taken or left: hunks of text files, whole files otherwise.

use std::io;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::slide_hunks::slid;
use super::{Blobs, ChangeSet, ChangedFile, FileState};
use crate::journal::RelPath;

/// The parts of a change set, numbered from 0 in its order.
#[derive(Debug)]
pub struct Parts {
    files: Vec<PartFile>,
    blobs: Blobs,
}

#[derive(Debug)]
struct PartFile {
    entry: ChangedFile,
    /// `None` when the file is one part.
    text: Option<ChangedText>,
}

/// One file of a change set with the places of its parts.
#[derive(Clone, Debug)]
pub struct FileParts<'a> {
    /// States of the file before and after.
    pub entry: &'a ChangedFile,
    /// Number of its first part.
    pub first: usize,
    /// Line ranges of its parts, in order; `None` when the file is one part.
    pub places: Option<Vec<LineRange>>,
}

/// The lines, counted from 0, that a part removes and those that it puts in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// Removed lines of the old text.
    pub old: Range<usize>,
    /// Added lines of the new text.
    pub new: Range<usize>,
}

/// A text that replaces consecutive parts of one file and the unchanged lines between them.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// Numbers of the replaced parts.
    pub parts: Range<usize>,
    /// Whole lines, or the whole content of a file that is one part.
    pub text: Vec<u8>,
}

/// One part of a change set.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Path of the file.
    pub path: &'a RelPath,
    /// `None` when the part is the whole file.
    pub hunk: Option<Hunk<'a>>,
}

/// A hunk of a text file that exists before and after.
#[derive(Clone, Debug)]
pub struct Hunk<'a> {
    /// Content of the whole file before.
    pub before: &'a [u8],
    /// Removed lines, counted from 0.
    pub old: Range<usize>,
    /// Content of the whole file after.
    pub after: &'a [u8],
    /// Added lines, counted from 0.
    pub new: Range<usize>,
}

/// A text file whose content changed and whose mode didn't.
#[derive(Debug)]
struct ChangedText {
    before: Vec<u8>,
    after: Vec<u8>,
    operations: Vec<DiffOp>,
}

impl Parts {
    /// Splits `changes`, whose contents are in `blobs`, into parts.
    ///
    /// # Errors
    /// When a content can't be read.
    pub fn of(changes: &ChangeSet, blobs: &Blobs) -> io::Result<Self> {
        let file = |entry: &ChangedFile| Ok(PartFile { entry: entry.clone(), text: ChangedText::of(entry, blobs)? });
        let files = changes.entries.iter().map(file).collect::<io::Result<_>>()?;
        Ok(Self { files, blobs: blobs.clone() })
    }

    /// Number of parts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.iter().map(PartFile::parts).sum()
    }

    /// True when there is nothing to take or leave.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, in the order of their parts.
    #[must_use]
    pub fn files(&self) -> Vec<FileParts<'_>> {
        let mut next = 0;
        let shown = |file: &'_ PartFile| {
            let first = next;
            next += file.parts();
            (first, file.text.as_ref().map(|text| places(&text.operations)))
        };
        let shown: Vec<_> = self.files.iter().map(shown).collect();
        let parts = self.files.iter().zip(shown);
        parts.map(|(file, (first, places))| FileParts { entry: &file.entry, first, places }).collect()
    }

    /// The parts, in the order of their numbers.
    pub fn each(&self) -> impl Iterator<Item = Part<'_>> {
        self.files.iter().flat_map(|file| {
            let path = &file.entry.path;
            let whole = file.text.is_none().then_some(Part { path, hunk: None });
            let hunks = file.text.iter().flat_map(ChangedText::each).map(move |hunk| Part { path, hunk: Some(hunk) });
            whole.into_iter().chain(hunks)
        })
    }

    /// The change set of the parts whose numbers are in `kept`. New contents are stored in the blobs.
    ///
    /// # Errors
    /// When a content can't be stored.
    pub fn only(&self, kept: &[usize]) -> io::Result<ChangeSet> {
        self.chosen(kept, &[])
    }

    /// As [`Parts::only`], with some parts replaced by other texts.
    ///
    /// # Errors
    /// When a content can't be stored.
    pub fn chosen(&self, kept: &[usize], instead: &[Replacement]) -> io::Result<ChangeSet> {
        let (mut entries, mut first) = (Vec::new(), 0);
        for file in &self.files {
            let parts = first..first + file.parts();
            first = parts.end;
            let wanted: Vec<bool> = parts.clone().map(|part| kept.contains(&part)).collect();
            let rewritten: Vec<_> = instead.iter().filter_map(|instead| instead.within(&parts)).collect();
            if rewritten.is_empty() && wanted.iter().all(|wanted| *wanted) {
                entries.push(file.entry.clone());
                continue;
            }
            let content = match (&file.text, rewritten.first()) {
                (None, Some(whole)) => whole.text.clone(),
                (Some(text), _) => text.with(&wanted, &rewritten),
                (None, None) => continue,
            };
            let sha256 = self.blobs.keep(&content)?;
            let after = file.entry.after.map(|after| FileState { sha256, ..after });
            if after != file.entry.before {
                entries.push(ChangedFile { after, ..file.entry.clone() });
            }
        }
        Ok(ChangeSet::new(entries))
    }
}

impl Replacement {
    /// The replacement with parts counted from the start of `parts`; `None` when it belongs to another file.
    fn within(&self, parts: &Range<usize>) -> Option<Self> {
        let inside = parts.start <= self.parts.start && self.parts.end <= parts.end;
        let counted = || self.parts.start - parts.start..self.parts.end - parts.start;
        inside.then(|| Self { parts: counted(), text: self.text.clone() })
    }
}

impl PartFile {
    fn parts(&self) -> usize {
        self.text.as_ref().map_or(1, ChangedText::hunks)
    }
}

impl ChangedText {
    fn of(entry: &ChangedFile, blobs: &Blobs) -> io::Result<Option<Self>> {
        let (Some(old), Some(new)) = (entry.before, entry.after) else { return Ok(None) };
        if old.mode != new.mode || old.mode.is_symlink() {
            return Ok(None);
        }
        let (before, after) = (blobs.read(old.sha256)?, blobs.read(new.sha256)?);
        if before.contains(&0) || after.contains(&0) {
            return Ok(None);
        }
        let operations = operations(&before, &after);
        Ok(Some(Self { before, after, operations }))
    }

    fn hunks(&self) -> usize {
        self.each().count()
    }

    fn each(&self) -> impl Iterator<Item = Hunk<'_>> {
        self.operations.iter().filter(|operation| is_change(operation)).map(|operation| Hunk {
            before: &self.before,
            old: operation.old_range(),
            after: &self.after,
            new: operation.new_range(),
        })
    }

    /// The old text with the `wanted` hunks applied and the replacements inserted.
    fn with(&self, wanted: &[bool], instead: &[Replacement]) -> Vec<u8> {
        let (before, after) = (lines(&self.before), lines(&self.after));
        let (mut out, mut hunk) = (Vec::new(), 0);
        for operation in &self.operations {
            if !is_change(operation) {
                let inside = |instead: &Replacement| instead.parts.start < hunk && hunk < instead.parts.end;
                if !instead.iter().any(inside) {
                    out.extend(before[operation.old_range()].concat());
                }
                continue;
            }
            match instead.iter().find(|instead| instead.parts.contains(&hunk)) {
                Some(instead) if instead.parts.start == hunk => out.extend(&instead.text),
                Some(_) => {}
                None if wanted.get(hunk).copied().unwrap_or(false) => out.extend(after[operation.new_range()].concat()),
                None => out.extend(before[operation.old_range()].concat()),
            }
            hunk += 1;
        }
        out
    }
}

/// Line ranges where two texts differ.
#[must_use]
pub fn differing(before: &[u8], after: &[u8]) -> Vec<LineRange> {
    places(&operations(before, after))
}

fn operations(before: &[u8], after: &[u8]) -> Vec<DiffOp> {
    let new = lines(after);
    slid(&capture_diff_slices(Algorithm::Myers, &lines(before), &new), &new)
}

fn places(operations: &[DiffOp]) -> Vec<LineRange> {
    let changes = operations.iter().filter(|operation| is_change(operation));
    changes.map(|operation| LineRange { old: operation.old_range(), new: operation.new_range() }).collect()
}

fn is_change(operation: &DiffOp) -> bool {
    !matches!(operation, DiffOp::Equal { .. })
}

/// Splits a text into lines that keep their line ends.
#[must_use]
pub fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A change set of regular files, each with its content before and after, which `blobs` keeps.
#[cfg(test)]
pub(crate) fn changes(blobs: &Blobs, files: &[(&str, Option<&str>, Option<&str>)]) -> ChangeSet {
    let state =
        |text: &str| FileState { mode: super::FileMode::Regular, sha256: blobs.keep(text.as_bytes()).expect("kept") };
    let entry = |(path, before, after): &(&str, Option<&str>, Option<&str>)| ChangedFile {
        path: RelPath::new(path).expect("a path"),
        before: before.map(state),
        after: after.map(state),
    };
    ChangeSet::new(files.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(blobs: &Blobs, set: &ChangeSet, at: usize) -> String {
        let after = set.entries[at].after.expect("a content");
        String::from_utf8(blobs.read(after.sha256).expect("kept")).expect("UTF-8")
    }

    #[test]
    fn hunks_are_parts_and_so_are_new_and_deleted_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::at(folder.path());
        let set = changes(
            &blobs,
            &[
                ("a", Some("1\n2\n3\n4\n5\n"), Some("one\n2\n3\nfour\n5\n")),
                ("b", None, Some("b\n")),
                ("c", Some("c"), None),
            ],
        );
        let parts = Parts::of(&set, &blobs).expect("they can be read");
        assert_eq!(parts.len(), 4);
        let told: Vec<_> = parts.each().map(|part| (part.path.as_str(), part.hunk.map(|hunk| hunk.new))).collect();
        assert_eq!(told, [("a", Some(0..1)), ("a", Some(3..4)), ("b", None), ("c", None)]);
        let second = parts.only(&[1, 3]).expect("they can be kept");
        assert_eq!(text_of(&blobs, &second, 0), "1\n2\n3\nfour\n5\n");
        assert_eq!(second.entries.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(parts.only(&[0, 1, 2, 3]).expect("they can be kept"), set);
        assert!(parts.only(&[]).expect("nothing to keep").is_empty());
    }

    #[test]
    fn another_text_stands_in_the_place_of_parts_and_of_what_is_between_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::at(folder.path());
        let set = changes(
            &blobs,
            &[("a", Some("1\n2\n3\n4\n5\n"), Some("one\n2\nthree\n4\nfive\n")), ("b", None, Some("b\n"))],
        );
        let parts = Parts::of(&set, &blobs).expect("they can be read");
        let instead = |range: Range<usize>, text: &str| Replacement { parts: range, text: text.into() };
        let chosen = |kept: &[usize], instead: &[Replacement]| parts.chosen(kept, instead).expect("they can be kept");
        let edited = chosen(&[2], &[instead(0..2, "mine\n"), instead(3..4, "B\n")]);
        assert_eq!([text_of(&blobs, &edited, 0), text_of(&blobs, &edited, 1)], ["mine\n4\nfive\n", "B\n"]);
        assert!(chosen(&[], &[instead(0..1, "1\n")]).is_empty(), "an edit that brings back what was is no change");
    }

    #[test]
    fn what_is_mended_and_what_is_added_below_it_are_two() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::at(folder.path());
        let (before, after) = ("fn a() {\n    1\n}\n", "fn a() {\n    2\n}\n\nmod b {\n    3\n}\n");
        let parts = Parts::of(&changes(&blobs, &[("a", Some(before), Some(after))]), &blobs).expect("they can be read");
        let alone = |part: usize| text_of(&blobs, &parts.only(&[part]).expect("kept"), 0);
        assert_eq!(parts.len(), 2);
        assert_eq!(alone(0), "fn a() {\n    2\n}\n");
        assert_eq!(alone(1), "fn a() {\n    1\n}\n\nmod b {\n    3\n}\n");
    }

    proptest! {
        #[test]
        fn no_part_is_the_start_and_all_parts_are_the_end(before in "([ab]?\n){0,12}[ab]?", after in "([ab]?\n){0,12}[ab]?") {
            prop_assume!(before != after);
            let folder = tempfile::tempdir().expect("a folder");
            let blobs = Blobs::at(folder.path());
            let set = changes(&blobs, &[("a", Some(&before), Some(&after))]);
            let parts = Parts::of(&set, &blobs).expect("they can be read");
            let text = parts.files[0].text.as_ref().expect("it is text");
            prop_assert_eq!(text.with(&vec![false; parts.len()], &[]), before.into_bytes());
            prop_assert_eq!(text.with(&vec![true; parts.len()], &[]), after.into_bytes());
        }
    }
}
