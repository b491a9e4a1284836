//! A hunk drawn: one column or two, with line numbers, what differs within lines, and what else tells lines apart.

use similar::{ChangeTag, DiffOp, TextDiff};

use super::hunk::{CONTEXT, Decision, Hunk};
use super::material::ShownFile;
use super::row::{Row, Span, Tone, columns, span, wrapped};

/// Within longer hunks whole lines are shown as changed: finding words takes too long for every key.
const MOST_LINES: usize = 200;
/// Columns of a line number and what stands behind it.
const GUTTER: usize = 6;

/// A line as it is drawn.
#[derive(Clone, Debug)]
struct Line {
    number: Option<usize>,
    sign: char,
    spans: Vec<Span>,
    tone: Tone,
}

/// What of a hunk lies beside each other.
enum Block {
    Same(Line),
    Changed(Vec<Line>, Vec<Line>),
}

/// Draws `hunk` for a screen of `width` columns.
pub fn drawn(file: &ShownFile, hunk: &Hunk, width: usize, two_columns: bool) -> Vec<Row> {
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

fn blocks(file: &ShownFile, hunk: &Hunk) -> Vec<Block> {
    let places = file.places.get(hunk.places.clone()).unwrap_or_default();
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
    let same = |old: usize, new: usize| {
        Block::Same(Line {
            number: Some(new + 1),
            sign: ' ',
            spans: told(&file.before[old], Tone::Dim, false),
            tone: Tone::Dim,
        })
    };
    let above = CONTEXT.min(first.old.start);
    let mut blocks: Vec<Block> =
        (0..above).rev().map(|back| same(first.old.start - back - 1, first.new.start - back - 1)).collect();
    if let Decision::Edited(text) = &hunk.decision {
        let text = String::from_utf8_lossy(text);
        let new: Vec<&str> = text.split_inclusive('\n').collect();
        let old = lines(&file.before[first.old.start..last.old.end]);
        blocks.push(changed(&old, &new, (first.old.start, first.new.start)));
    } else {
        for (index, place) in places.iter().enumerate() {
            let (old, new) = (lines(&file.before[place.old.clone()]), lines(&file.after[place.new.clone()]));
            blocks.push(changed(&old, &new, (place.old.start, place.new.start)));
            if let Some(next) = places.get(index + 1) {
                let between = (place.old.end..next.old.start).zip(place.new.end..);
                blocks.extend(between.map(|(old, new)| same(old, new)));
            }
        }
    }
    let below = (last.old.end..file.before.len()).take(CONTEXT);
    blocks.extend(below.zip(last.new.end..).map(|(old, new)| same(old, new)));
    blocks
}

fn lines(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

/// Old lines and the new ones in their place, whose numbers begin at `from` (counted from 0).
fn changed(old: &[&str], new: &[&str], from: (usize, usize)) -> Block {
    let ends = old.iter().chain(new).filter(|line| line.ends_with('\n')).map(|line| line.ends_with("\r\n"));
    let ends: std::collections::BTreeSet<bool> = ends.collect();
    // Where all lines end in the same way nobody needs to see how.
    let show_ends = ends.len() > 1;
    let mut sides = (Vec::new(), Vec::new());
    for (is_old, spans) in emphasised(old, new) {
        let (side, first, sign, tone) =
            if is_old { (&mut sides.0, from.0, '-', Tone::Removed) } else { (&mut sides.1, from.1, '+', Tone::Added) };
        let line = if is_old { old[side.len()] } else { new[side.len()] };
        let mut spans = spans.unwrap_or_else(|| told(line, tone, false));
        spans.extend(ending(line, show_ends, tone));
        side.push(Line { number: Some(first + side.len() + 1), sign, spans, tone });
    }
    Block::Changed(sides.0, sides.1)
}

/// All lines in order, the old ones first: whether it is an old one, and its text with what differs in it.
fn emphasised(old: &[&str], new: &[&str]) -> Vec<(bool, Option<Vec<Span>>)> {
    if old.is_empty() || new.is_empty() || old.len() + new.len() > MOST_LINES {
        return old.iter().map(|_| (true, None)).chain(new.iter().map(|_| (false, None))).collect();
    }
    let diff = TextDiff::from_slices(old, new);
    let all = DiffOp::Replace { old_index: 0, old_len: old.len(), new_index: 0, new_len: new.len() };
    let changes = diff.iter_inline_changes(&all);
    let drawn = changes.map(|change| {
        let is_old = change.tag() == ChangeTag::Delete;
        let (tone, word) = if is_old { (Tone::Removed, Tone::RemovedWord) } else { (Tone::Added, Tone::AddedWord) };
        let pieces = change.iter_strings_lossy();
        let spans = pieces.map(|(differs, text)| span(without_end(&text), if differs { word } else { tone }));
        (is_old, Some(spans.collect()))
    });
    drawn.collect()
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn told(line: &str, tone: Tone, show_end: bool) -> Vec<Span> {
    let mut spans = vec![span(without_end(line), tone)];
    spans.extend(ending(line, show_end, tone));
    spans
}

/// How a line ends, where that is worth showing.
fn ending(line: &str, show: bool, tone: Tone) -> Option<Span> {
    if !line.ends_with('\n') {
        return Some(span(" ⏎ no newline at the end", Tone::Dim));
    }
    (show && line.ends_with("\r\n")).then(|| span("␍", tone))
}

impl Line {
    /// In as many rows as it takes; the number stands in the first.
    fn rows(&self, width: usize) -> Vec<Row> {
        let number = self.number.map_or_else(String::new, |number| number.to_string());
        let rows = wrapped(&self.spans, width.saturating_sub(GUTTER + 1).max(1));
        let draw = |(index, row): (usize, Row)| {
            let (number, sign) = if index == 0 { (number.as_str(), self.sign) } else { ("", ' ') };
            let gutter = [span(format!("{number:>4}│ "), Tone::Dim), span(sign.to_string(), self.tone)];
            gutter.into_iter().chain(row).collect()
        };
        rows.into_iter().enumerate().map(draw).collect()
    }
}

/// The same row old and new.
fn beside(old: Option<&Line>, new: Option<&Line>, width: usize) -> Vec<Row> {
    let half = (width.saturating_sub(1)) / 2;
    let side = |line: Option<&Line>| line.map_or_else(Vec::new, |line| line.rows(half));
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
            content: None,
        };
        let hunk = Hunk::whole(0, places.len(), vec![0]);
        let rows = drawn(&file, &hunk, width, two_columns);
        let mark = |span: &Span| match span.tone {
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
            ["   1│ -one [two] ┃   1│ +one [2] th", "    │  three   ┃    │  ree", "               ┃   2│ +[more]"];
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
