//! The material of a review: the files of a patch, the test results, and the model's edits.

use std::cell::OnceCell;
use std::io;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::diff::{SourceLine, sources};
use super::hunk::{CONTEXT, ReviewedHunk};
use super::origin::{ModelEdit, edits, made_by};
use super::syntax::{Piece, pieces};
use crate::journal::{ChangeKind, Event, FileChange, RelPath, TamperFlag};
use crate::report::{Report, TestsReported};
use crate::workspace::{Blobs, FileParts, FileState, LineRange, Parts, differing, lines};

/// Source of the material.
pub(crate) struct Given<'a> {
    /// Report of the run.
    pub report: &'a Report,
    /// Events of the earlier runs whose changes this run carries.
    pub inherited: &'a [&'a Event],
    /// Events of this run.
    pub events: &'a [&'a Event],
    /// The patch, divided into parts.
    pub parts: &'a Parts,
    /// Contents of changed files.
    pub blobs: &'a Blobs,
    /// Removes secrets from shown text.
    pub clean: &'a dyn Fn(&str) -> String,
}

/// The material of a review, for display.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    /// Id of the run.
    pub run: String,
    /// First line of the task.
    pub task: String,
    /// Outcome of the run.
    pub outcome: &'static str,
    /// The evidence for the outcome, one line each.
    pub evidence: Vec<String>,
    /// Files of the patch.
    pub files: Vec<ShownFile>,
    pub(super) edits: Vec<ModelEdit>,
}

#[derive(Clone, Debug)]
pub(crate) struct ShownFile {
    pub path: RelPath,
    /// Kind of the change, such as `new file`.
    pub change: String,
    /// Findings of the tamper guard.
    pub flags: Vec<TamperFlag>,
    /// Old lines with their ends, without secrets.
    pub before: Vec<String>,
    /// New lines, likewise.
    pub after: Vec<String>,
    /// Line ranges that differ.
    pub places: Vec<LineRange>,
    pub words: LineWords,
    /// New content, if a person can rewrite it.
    pub content: Option<Vec<u8>>,
}

/// Syntax of a file's old and new lines, computed when first shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineWords {
    before: OnceCell<Vec<Vec<Piece>>>,
    after: OnceCell<Vec<Vec<Piece>>>,
}

impl Material {
    /// Reads the material and groups its changes into hunks.
    ///
    /// # Errors
    /// When a content can't be read.
    pub(crate) fn of(given: &Given<'_>) -> io::Result<(Self, Vec<ReviewedHunk>)> {
        let report = given.report;
        let all = given.parts.files();
        let (mut files, mut hunks) = (Vec::new(), Vec::new());
        for parts in &all {
            let known = change_of(report, &parts.entry.path);
            let from = match known.map(|change| &change.kind) {
                Some(ChangeKind::Renamed { from }) => all.iter().find(|parts| parts.entry.path == *from),
                // The old path of a rename is shown with the new one.
                None if is_renamed_away(report, &parts.entry.path) => continue,
                _ => None,
            };
            let file = ShownFile::of(given, parts, from)?;
            match (&parts.places, from) {
                (Some(places), _) => hunks.extend(ReviewedHunk::grouped(files.len(), parts.first, places)),
                (None, from) => {
                    let numbers = from.map(|from| from.first).into_iter().chain([parts.first]).collect();
                    hunks.push(ReviewedHunk::whole(files.len(), file.places.len(), numbers));
                }
            }
            files.push(file);
        }
        let earlier =
            edits(given.inherited.iter().copied()).into_iter().map(|edit| ModelEdit { earlier: true, ..edit });
        let mut edits: Vec<_> = earlier.chain(edits(given.events.iter().copied())).collect();
        for edit in &mut edits {
            (edit.said, edit.thought) = ((given.clean)(&edit.said), (given.clean)(&edit.thought));
        }
        let task = report.task.lines().next().unwrap_or_default().to_owned();
        let (run, outcome) = (report.run.to_string(), report.outcome.words());
        let evidence = evidence(report).into_iter().chain(view_notes(given)).collect();
        Ok((Self { run, task, outcome, evidence, files, edits }, hunks))
    }

    /// The old and the new lines of a hunk, as shown.
    pub(super) fn lines_of(&self, hunk: &ReviewedHunk) -> (Vec<String>, Vec<String>) {
        let Some(file) = self.files.get(hunk.file) else { return Default::default() };
        let places = file.places.get(hunk.places.clone()).unwrap_or_default();
        let old = places.iter().flat_map(|place| &file.before[place.old.clone()]).cloned().collect();
        let new = places.iter().flat_map(|place| &file.after[place.new.clone()]).cloned().collect();
        (old, new)
    }

    /// The model's edit that made a hunk.
    pub(super) fn origin(&self, hunk: &ReviewedHunk) -> Option<&ModelEdit> {
        let (old, new) = self.lines_of(hunk);
        made_by(&self.edits, &self.files.get(hunk.file)?.path, &old, &new)
    }

    /// The text that a hunk puts into its file, for a person to rewrite; `None` if it isn't text.
    #[must_use]
    pub(crate) fn text_of(&self, hunk: &ReviewedHunk) -> Option<Vec<u8>> {
        let file = self.files.get(hunk.file)?;
        let content = file.content.as_ref()?;
        if hunk.is_whole {
            return Some(content.clone());
        }
        let (first, last) = (file.places.get(hunk.places.start)?, file.places.get(hunk.places.end - 1)?);
        Some(lines(content)[first.new.start..last.new.end].concat())
    }

    /// Findings of the tamper guard in a hunk.
    pub(super) fn flags_of(&self, hunk: &ReviewedHunk) -> impl Iterator<Item = &TamperFlag> {
        let file = self.files.get(hunk.file);
        let places = file.and_then(|file| file.places.get(hunk.places.clone())).unwrap_or_default();
        let is_there = |line: usize, place: &LineRange| {
            let around = |lines: &std::ops::Range<usize>| (lines.start..=lines.end).contains(&line);
            around(&place.new) || (place.new.is_empty() && around(&place.old))
        };
        let flags = file.into_iter().flat_map(|file| &file.flags);
        flags.filter(move |flag| {
            let line = (flag.line as usize).saturating_sub(1);
            places.is_empty() || places.iter().any(|place| is_there(line, place))
        })
    }
}

impl ShownFile {
    pub(super) fn old_lines(&self, lines: Range<usize>) -> Vec<SourceLine<'_>> {
        let end = self.places.last().map_or(0, |place| place.old.end);
        sources(&self.before, lines, self.words.before.get_or_init(|| self.pieces(&self.before, end)))
    }

    pub(super) fn new_lines(&self, lines: Range<usize>) -> Vec<SourceLine<'_>> {
        let end = self.places.last().map_or(0, |place| place.new.end);
        sources(&self.after, lines, self.words.after.get_or_init(|| self.pieces(&self.after, end)))
    }

    /// Parses all lines that can be shown: up to the last change and its context.
    fn pieces(&self, lines: &[String], last_change: usize) -> Vec<Vec<Piece>> {
        pieces(self.path.as_path(), &lines[..lines.len().min(last_change + CONTEXT)])
    }

    fn of(given: &Given<'_>, parts: &FileParts<'_>, from: Option<&FileParts<'_>>) -> io::Result<Self> {
        let entry = parts.entry;
        let old = from.map_or(entry.before, |from| from.entry.before);
        let read = |state: Option<FileState>| state.map_or(Ok(Vec::new()), |state| given.blobs.read(state.sha256));
        let (before, after) = (read(old)?, read(entry.after)?);
        let is_text = !before.contains(&0) && !after.contains(&0);
        let [shown_before, shown_after] = [&before, &after]
            .map(|content| if is_text { shown(&String::from_utf8_lossy(content), given.clean) } else { Vec::new() });
        let places = match &parts.places {
            Some(places) => places.clone(),
            None if is_text => differing(&before, &after),
            None => Vec::new(),
        };
        let is_file = entry.after.is_some_and(|after| !after.mode.is_symlink());
        let flags = given.report.tests.touched.iter().flat_map(|touched| &touched.flags);
        let change = change(given.report, parts, old, !is_text);
        Ok(Self {
            path: entry.path.clone(),
            change,
            flags: flags.filter(|flag| flag.path == entry.path).cloned().collect(),
            before: shown_before,
            after: shown_after,
            places,
            words: LineWords::default(),
            content: (is_text && is_file && from.is_none()).then_some(after),
        })
    }
}

fn change_of<'a>(report: &'a Report, path: &RelPath) -> Option<&'a FileChange> {
    report.patch.iter().flat_map(|patch| &patch.files).find(|change| change.path == *path)
}

fn is_renamed_away(report: &Report, path: &RelPath) -> bool {
    let files = report.patch.iter().flat_map(|patch| &patch.files);
    files.into_iter().any(|change| matches!(&change.kind, ChangeKind::Renamed { from } if from == path))
}

fn change(report: &Report, parts: &FileParts<'_>, old: Option<FileState>, is_binary: bool) -> String {
    let entry = parts.entry;
    let what = match (change_of(report, &entry.path).map(|change| &change.kind), old, entry.after) {
        (Some(ChangeKind::Renamed { from }), ..) => format!("renamed from {from}"),
        (_, None, _) => "new file".to_owned(),
        (_, _, None) => "deleted".to_owned(),
        _ => "changed".to_owned(),
    };
    let is_link = [old, entry.after].iter().flatten().any(|state| state.mode.is_symlink());
    let modes = old.zip(entry.after).map(|(old, new)| (old.mode, new.mode)).filter(|(old, new)| old != new);
    let modes = modes.map(|(old, new)| format!("mode {} → {}", old.as_str(), new.as_str()));
    let more = [is_binary.then(|| "binary".to_owned()), is_link.then(|| "symbolic link".to_owned()), modes];
    [Some(what)].into_iter().chain(more).flatten().collect::<Vec<_>>().join(", ")
}

/// The evidence for the patch, for the head of the list of files.
fn evidence(report: &Report) -> Vec<String> {
    let ran = |ran: &TestsReported| {
        let counts = ran.result.counts.map(|counts| format!("{} passed, {} failed", counts.passed, counts.failed));
        counts.unwrap_or_else(|| if ran.result.passed { "passed" } else { "failed" }.to_owned())
    };
    let tests = &report.tests;
    let side = |side: Option<&TestsReported>| side.map_or_else(|| "not run".to_owned(), ran);
    let command = tests.command.as_deref().unwrap_or("none");
    let mut lines = vec![
        report.detail.clone(),
        format!("tests  {command}"),
        format!("before {}   after {}", side(tests.baseline.as_ref()), side(tests.after.as_ref())),
    ];
    for (name, list) in tests.matrix.lists().filter(|(_, list)| !list.is_empty()) {
        let more = if list.len() > 1 { format!(" and {} more", list.len() - 1) } else { String::new() };
        lines.push(format!("{name}: {}{more}", list[0]));
    }
    lines.extend(report.generated.told());
    lines
}

/// Files that the tests couldn't see, according to the notes about the view.
fn view_notes(given: &Given<'_>) -> Option<String> {
    let notes = given.events.iter().rev().find_map(|event| match event {
        Event::ViewMade(view) => Some(&view.notes),
        _ => None,
    });
    notes.filter(|notes| !notes.is_empty()).map(|notes| format!("view   {}", (given.clean)(&notes.join("; "))))
}

/// Splits a text into lines with their ends, without secrets. A line that holds only a part of a longer secret keeps
/// its place.
fn shown(text: &str, clean: &dyn Fn(&str) -> String) -> Vec<String> {
    let cleaned = clean(text);
    let raw: Vec<&str> = text.split_inclusive('\n').collect();
    if cleaned == text {
        return raw.into_iter().map(str::to_owned).collect();
    }
    let safe: Vec<&str> = cleaned.split_inclusive('\n').collect();
    let mut out = Vec::with_capacity(raw.len());
    for operation in capture_diff_slices(Algorithm::Myers, &raw, &safe) {
        let (old, new) = (operation.old_range(), operation.new_range());
        let is_same = matches!(operation, DiffOp::Equal { .. });
        let line = |index: usize| match safe.get(new.start + index).filter(|_| index < new.len()) {
            Some(line) => (*line).to_owned(),
            None => "[redacted]\n".to_owned(),
        };
        out.extend((0..old.len()).map(|index| if is_same { raw[old.start + index].to_owned() } else { line(index) }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_many_lines_keeps_the_others_in_their_places() {
        let clean =
            |text: &str| text.replace("BEGIN\nabc\ndef\nEND", "[redacted:key]").replace("s3cret", "[redacted:x]");
        let lines = shown("one\nBEGIN\nabc\ndef\nEND\ntwo s3cret\nthree\n", &clean);
        assert_eq!(lines.len(), 7);
        assert_eq!((lines[0].as_str(), lines[6].as_str()), ("one\n", "three\n"));
        let between = lines[1..6].concat();
        assert!(!["abc", "def", "s3cret"].iter().any(|secret| between.contains(secret)), "{between}");
    }
}
