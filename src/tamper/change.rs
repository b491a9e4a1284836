//! A changed file before and after, as far as it can be read, with the lines that differ.

use std::collections::BTreeSet;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::assertions::squeeze;
use super::language::Language;
use super::role::Role;
use super::units::SourceUnits;
use crate::journal::{RelPath, TamperFlag, TamperKind};

/// Bytes; a larger file is probably generated, and isn't read.
const MAX_BYTES: usize = 512 * 1024;
/// A file with more lines isn't read either, since comparing it could take long.
const MAX_LINES: usize = 20_000;

/// A changed file of a patch.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The path after the patch; the path before it if the file is deleted.
    pub path: &'a RelPath,
    /// Content before the patch; `None` for a new file.
    pub before: Option<&'a [u8]>,
    /// Content after the patch; `None` for a deleted file.
    pub after: Option<&'a [u8]>,
    /// The path before the patch if the file was renamed.
    pub renamed_from: Option<&'a RelPath>,
}

/// A change with both versions read.
pub(super) struct ChangedSource<'a> {
    pub path: &'a RelPath,
    pub old_path: &'a RelPath,
    pub role: Role,
    pub old_role: Role,
    pub before: Option<SourceUnits>,
    pub after: Option<SourceUnits>,
    /// Whether some content can't be read: it is not text, too large, or can't be parsed.
    pub is_opaque: bool,
    pub is_new: bool,
    pub is_gone: bool,
    hunks: Vec<(Range<usize>, Range<usize>)>,
    /// Removed lines, without layout.
    taken: BTreeSet<String>,
}

impl<'a> ChangedSource<'a> {
    pub(super) fn read(change: &Change<'a>) -> Self {
        let old_path = change.renamed_from.unwrap_or(change.path);
        let (before, after) = (change.before.and_then(text), change.after.and_then(text));
        let is_opaque = before.is_none() && change.before.is_some() || after.is_none() && change.after.is_some();
        let outline = |text: Option<&str>, path| text.map(|text| SourceUnits::new(text, path));
        let (before, after) = (outline(before, old_path), outline(after, change.path));
        let is_opaque = is_opaque || before.iter().chain(&after).any(|outline| outline.is_unreadable);
        let mut file = Self {
            path: change.path,
            old_path,
            role: Role::of(change.path),
            old_role: Role::of(old_path),
            before,
            after,
            is_opaque,
            is_new: change.before.is_none(),
            is_gone: change.after.is_none(),
            hunks: Vec::new(),
            taken: BTreeSet::new(),
        };
        file.hunks = hunks(Self::raw(file.before.as_ref()), Self::raw(file.after.as_ref()));
        let removed = |before: &SourceUnits| file.removed().map(|at| squeeze(&before.file.text[at])).collect();
        file.taken = file.before.as_ref().map(removed).unwrap_or_default();
        file
    }

    /// Whether the line was only moved within the file or reformatted.
    pub(super) fn is_moved(&self, new: usize) -> bool {
        self.after.as_ref().is_some_and(|after| self.taken.contains(&squeeze(&after.file.text[new])))
    }

    fn raw(outline: Option<&SourceUnits>) -> &[String] {
        outline.map_or(&[], |outline| &outline.file.raw)
    }

    /// Whether the file is a test, a test's support code, or a Rust file that contains tests.
    pub(super) fn holds_tests(&self) -> bool {
        let has_tests =
            |outline: &Option<SourceUnits>| outline.as_ref().is_some_and(|outline| outline.tests().next().is_some());
        let is_rust = Language::of(self.path) == Language::Rust;
        self.role.is_of_tests()
            || self.old_role.is_of_tests()
            || is_rust && (has_tests(&self.before) || has_tests(&self.after))
    }

    /// Whether a Rust file contained tests before, or can't be parsed but mentions them.
    pub(super) fn may_have_held_tests(&self) -> bool {
        let Some(before) = self.before.as_ref().filter(|before| before.language == Language::Rust) else {
            return false;
        };
        let speaks = |line: &String| line.contains("test") && line.contains("#[");
        before.tests().next().is_some() || before.is_unreadable && before.file.text.iter().any(speaks)
    }

    /// Lines of the new version that the old one lacks.
    pub(super) fn added(&self) -> impl Iterator<Item = usize> {
        self.hunks.iter().flat_map(|(_, new)| new.clone())
    }

    /// Lines of the old version that the new one lacks.
    pub(super) fn removed(&self) -> impl Iterator<Item = usize> {
        self.hunks.iter().flat_map(|(old, _)| old.clone())
    }

    /// Line number, from 1, to report for a line of the old version: where its hunk changes the new version, else its
    /// own.
    pub(super) fn place_of_old(&self, old: usize) -> u64 {
        let hunk = self.hunks.iter().find(|(range, _)| range.contains(&old));
        let new = hunk.map(|(_, new)| new).filter(|new| !new.is_empty());
        new.map_or(old, |new| new.start) as u64 + 1
    }

    /// Line number, from 1, to report for a line of the new version: the first that its hunk changes.
    pub(super) fn place_of_new(&self, new: usize) -> u64 {
        let hunk = self.hunks.iter().find(|(_, range)| range.contains(&new));
        hunk.map_or(new, |(_, range)| range.start) as u64 + 1
    }

    pub(super) fn flag(&self, line: u64, kind: TamperKind, weakens: bool, reason: impl Into<String>) -> TamperFlag {
        TamperFlag { path: self.path.clone(), line, kind, weakens, reason: reason.into(), tests: Vec::new() }
    }
}

/// A flag for a change of how tests are run.
pub(super) fn runner_changed(file: &ChangedSource, line: u64, weakens: bool, reason: impl Into<String>) -> TamperFlag {
    file.flag(line, TamperKind::RunnerChanged, weakens, reason)
}

pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let few = bytes.len() <= MAX_BYTES && memchr::memchr_iter(b'\n', bytes).take(MAX_LINES + 1).count() <= MAX_LINES;
    std::str::from_utf8(bytes).ok().filter(|text| few && !text.contains('\0'))
}

fn hunks(before: &[String], after: &[String]) -> Vec<(Range<usize>, Range<usize>)> {
    let changed = |op: &DiffOp| !matches!(op, DiffOp::Equal { .. });
    let ops = capture_diff_slices(Algorithm::Myers, before, after);
    let mut hunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in ops.iter().filter(|op| changed(op)) {
        let (old, new) = (op.old_range(), op.new_range());
        match hunks.last_mut().filter(|(last_old, last_new)| last_old.end == old.start && last_new.end == new.start) {
            Some(last) => (last.0.end, last.1.end) = (old.end, new.end),
            None => hunks.push((old, new)),
        }
    }
    hunks
}
