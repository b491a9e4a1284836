//! Draws a hunk in one column or two, with line numbers, changed words, and markers for differing line ends.

use std::ops::Range;

use similar::{ChangeTag, DiffOp, TextDiff};

use super::hunk::{CONTEXT, HunkDecided, ReviewedHunk};
use super::material::ShownFile;
use super::row::{CodeWord, DiffRow, TextSpan, Tone, columns, span, wrapped};
use super::syntax::{Piece, pieces};

/// Longer hunks are shown without changed words: finding them takes too long to do on every key.
const MOST_LINES: usize = 200;
/// Columns of a line number and its separator.
const GUTTER: usize = 6;

#[derive(Clone, Debug)]
struct DiffLine {
    number: Option<usize>,
    sign: char,
    spans: Vec<TextSpan>,
    tone: Tone,
}

/// A line of a file, with its end and its syntax.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceLine<'a> {
    text: &'a str,
    pieces: &'a [Piece],
}

/// Takes the lines in `range`; the first lines have syntax `pieces`.
pub(super) fn sources<'a>(lines: &'a [String], range: Range<usize>, pieces: &'a [Vec<Piece>]) -> Vec<SourceLine<'a>> {
    let of = |index: usize| pieces.get(index).map_or(&[][..], Vec::as_slice);
    range.map(|index| SourceLine { text: &lines[index], pieces: of(index) }).collect()
}

/// Lines of a hunk: unchanged ones, or old and new ones side by side.
enum Block {
    Same(DiffLine),
    Changed(Vec<DiffLine>, Vec<DiffLine>),
}

/// Draws `hunk` for a screen with `width` columns.
pub(super) fn drawn(file: &ShownFile, hunk: &ReviewedHunk, width: usize, two_columns: bool) -> Vec<DiffRow> {
    let mut rows = Vec::new();
    for block in blocks(file, hunk) {
        match (block, two_columns) {
            (Block::Same(line), false) => rows.extend(line.rows(width)),
            (Block::Same(line), true) => rows.extend(beside(Some(&line), Some(&line), width)),
            (Block::Changed(old, new), false) => {
                rows.extend(old.iter().chain(&new).flat_map(|line| line.rows(width)));
            }
            (Block::Changed(old, new), true) => {
                let pairs = (0..old.len().max(new.len())).map(|index| (old.get(index), new.get(index)));
                rows.extend(pairs.flat_map(|(old, new)| beside(old, new, width)));
            }
        }
    }
    rows
}

fn blocks(file: &ShownFile, hunk: &ReviewedHunk) -> Vec<Block> {
    let places = file.places.get(hunk.places.clone()).unwrap_or_default();
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
    let same = |old: Range<usize>, new: usize| {
        let lines = file.old_lines(old).into_iter().zip(new + 1..);
        lines.map(|(line, number)| Block::Same(DiffLine::same(line, number))).collect::<Vec<_>>()
    };
    let above = CONTEXT.min(first.old.start);
    let mut blocks = same(first.old.start - above..first.old.start, first.new.start - above);
    if let HunkDecided::Edited(text) = &hunk.decision {
        let text = String::from_utf8_lossy(text);
        let new: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let words = pieces(file.path.as_path(), &new);
        let old = file.old_lines(first.old.start..last.old.end);
        blocks.push(changed(&old, &sources(&new, 0..new.len(), &words), (first.old.start, first.new.start)));
    } else {
        for (index, place) in places.iter().enumerate() {
            let (old, new) = (file.old_lines(place.old.clone()), file.new_lines(place.new.clone()));
            blocks.push(changed(&old, &new, (place.old.start, place.new.start)));
            if let Some(next) = places.get(index + 1) {
                blocks.extend(same(place.old.end..next.old.start, place.new.end));
            }
        }
    }
    let below = file.before.len().min(last.old.end + CONTEXT);
    blocks.extend(same(last.old.end..below, last.new.end));
    blocks
}

/// Pairs old lines with the new lines in their place. Their numbers begin at `from`, counted from 0.
fn changed(old: &[SourceLine<'_>], new: &[SourceLine<'_>], from: (usize, usize)) -> Block {
    let texts = old.iter().chain(new).map(|line| line.text);
    let ends = texts.filter(|text| text.ends_with('\n')).map(|text| text.ends_with("\r\n"));
    let ends: std::collections::BTreeSet<bool> = ends.collect();
    // Line ends are shown only if they differ.
    let show_ends = ends.len() > 1;
    let mut sides = (Vec::new(), Vec::new());
    for (is_old, spans) in emphasised(old, new) {
        let (side, first, sign, tone) =
            if is_old { (&mut sides.0, from.0, '-', Tone::Removed) } else { (&mut sides.1, from.1, '+', Tone::Added) };
        let line = if is_old { old[side.len()] } else { new[side.len()] };
        let mut spans = spans.unwrap_or_else(|| line.part(0..line.text.len(), tone));
        spans.extend(ending(line.text, show_ends, tone));
        side.push(DiffLine { number: Some(first + side.len() + 1), sign, spans, tone });
    }
    Block::Changed(sides.0, sides.1)
}

fn texts<'a>(lines: &[SourceLine<'a>]) -> Vec<&'a str> {
    lines.iter().map(|line| line.text).collect()
}

/// Returns all lines in order, the old ones first, each with whether it is old and its text with changed words marked.
fn emphasised(old: &[SourceLine<'_>], new: &[SourceLine<'_>]) -> Vec<(bool, Option<Vec<TextSpan>>)> {
    if old.is_empty() || new.is_empty() || old.len() + new.len() > MOST_LINES {
        return old.iter().map(|_| (true, None)).chain(new.iter().map(|_| (false, None))).collect();
    }
    let (old_texts, new_texts) = (texts(old), texts(new));
    let diff = TextDiff::from_slices(&old_texts, &new_texts);
    let all = DiffOp::Replace { old_index: 0, old_len: old.len(), new_index: 0, new_len: new.len() };
    let changes = diff.iter_inline_changes(&all);
    let drawn = changes.map(|change| {
        let is_old = change.tag() == ChangeTag::Delete;
        let (tone, word) = if is_old { (Tone::Removed, Tone::RemovedWord) } else { (Tone::Added, Tone::AddedWord) };
        let line = if is_old { old[change.old_index().unwrap_or(0)] } else { new[change.new_index().unwrap_or(0)] };
        let mut from = 0;
        let parts = change.iter_strings_lossy().flat_map(|(differs, text)| {
            let part = from..from + text.len();
            from = part.end;
            line.part(part, if differs { word } else { tone })
        });
        (is_old, Some(parts.collect()))
    });
    drawn.collect()
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

impl SourceLine<'_> {
    /// The text of the line in `range`, split at the boundaries of syntax pieces.
    fn part(&self, range: Range<usize>, tone: Tone) -> Vec<TextSpan> {
        let text = without_end(self.text);
        let (mut at, end) = (range.start, range.end.min(text.len()));
        let mut spans = Vec::new();
        while at < end {
            let next = self.pieces.iter().find(|piece| piece.range.end > at);
            let (word, until) = match next {
                Some(piece) if piece.range.start <= at => (piece.word, piece.range.end),
                Some(piece) => (CodeWord::Plain, piece.range.start),
                None => (CodeWord::Plain, end),
            };
            let until = until.min(end);
            spans.extend(text.get(at..until).map(|text| TextSpan { word, ..span(text, tone) }));
            at = until;
        }
        spans
    }
}

/// Marks a missing final newline and, with `show`, CRLF.
fn ending(line: &str, show: bool, tone: Tone) -> Option<TextSpan> {
    if !line.ends_with('\n') {
        return Some(span(" ⏎ no newline at the end", Tone::Dim));
    }
    (show && line.ends_with("\r\n")).then(|| span("␍", tone))
}

impl DiffLine {
    fn same(line: SourceLine<'_>, number: usize) -> Self {
        let mut spans = line.part(0..line.text.len(), Tone::Dim);
        spans.extend(ending(line.text, false, Tone::Dim));
        Self { number: Some(number), sign: ' ', spans, tone: Tone::Dim }
    }

    /// Wraps the line into rows; the first one has the number.
    fn rows(&self, width: usize) -> Vec<DiffRow> {
        let number = self.number.map_or_else(String::new, |number| number.to_string());
        let rows = wrapped(&self.spans, width.saturating_sub(GUTTER + 1).max(1));
        let draw = |(index, row): (usize, DiffRow)| {
            let (number, sign) = if index == 0 { (number.as_str(), self.sign) } else { ("", ' ') };
            let gutter = [span(format!("{number:>4}│ "), Tone::Dim), span(sign.to_string(), self.tone)];
            gutter.into_iter().chain(row).collect()
        };
        rows.into_iter().enumerate().map(draw).collect()
    }
}

/// Draws the old and the new line next to each other.
fn beside(old: Option<&DiffLine>, new: Option<&DiffLine>, width: usize) -> Vec<DiffRow> {
    let half = (width.saturating_sub(1)) / 2;
    let side = |line: Option<&DiffLine>| line.map_or_else(Vec::new, |line| line.rows(half));
    let (old, new) = (side(old), side(new));
    let row = |index: usize| {
        let mut row = old.get(index).cloned().unwrap_or_default();
        let missing = half.saturating_sub(columns(&row));
        row.push(span(" ".repeat(missing) + "┃", Tone::Dim));
        row.extend(new.get(index).cloned().unwrap_or_default());
        row
    };
    (0..old.len().max(new.len())).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::RelPath;
    use crate::review::material::LineWords;
    use crate::workspace::differing;

    fn draw(before: &str, after: &str, width: usize, two_columns: bool) -> Vec<String> {
        let split = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
        let places = differing(before.as_bytes(), after.as_bytes());
        let file = ShownFile {
            path: RelPath::new("a").expect("a path"),
            change: String::new(),
            flags: Vec::new(),
            before: split(before),
            after: split(after),
            places: places.clone(),
            words: LineWords::default(),
            content: None,
        };
        let hunk = ReviewedHunk::whole(0, places.len(), vec![0]);
        let rows = drawn(&file, &hunk, width, two_columns);
        let mark = |span: &TextSpan| match span.tone {
            Tone::RemovedWord | Tone::AddedWord => format!("[{}]", span.text),
            _ => span.text.clone(),
        };
        rows.iter().map(|row| row.iter().map(mark).collect::<String>()).collect()
    }

    #[test]
    fn words_that_differ_are_told_apart() {
        let rows = draw("a\nlet x = old;\nb\n", "a\nlet x = new;\nb\n", 40, false);
        assert_eq!(rows, ["   1│  a", "   2│ -let x = [old;]", "   2│ +let x = [new;]", "   3│  b"]);
    }

    #[test]
    fn two_columns_hold_old_and_new_and_lose_nothing() {
        let rows = draw("one two three\n", "one 2 three\nmore\n", 31, true);
        let expected =
            ["   1│ -one [two] ┃   1│ +one [2]", "    │  three   ┃    │  three", "               ┃   2│ +[more]"];
        assert_eq!(rows.iter().map(|row| row.trim_end().to_owned()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ends_of_lines_are_told_where_they_differ() {
        assert_eq!(draw("a\r\n", "a\n", 40, false), ["   1│ -a␍", "   1│ +a"]);
        assert_eq!(draw("a\r\n", "b\r\n", 40, false).concat().matches('␍').count(), 0);
        assert_eq!(draw("a\n", "a", 40, false)[1], "   1│ +a ⏎ no newline at the end");
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(draw("a\n", "a\u{202e}b\n", 40, false)[1], "   1│ +[a⟨U+202E⟩b]");
    }
}
