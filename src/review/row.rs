//! Elements of a screen: rows of text spans with a tone. Colours and escape sequences are added elsewhere.

use crate::text::{hang, is_hidden};

/// Size of a screen in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
}

/// Role of a text span, from which the command line chooses colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Frames and context.
    Dim,
    /// Emphasised text.
    Strong,
    /// A removed line.
    Removed,
    /// A changed word in a removed line.
    RemovedWord,
    /// An added line.
    Added,
    /// A changed word in an added line.
    AddedWord,
    Warning,
    /// The title bar and the row of keys.
    Bar,
}

/// Syntactic role of a text span in code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CodeWord {
    /// No particular role.
    #[default]
    Plain,
    Comment,
    Keyword,
    /// A string, number or constant.
    Literal,
    /// A defined or called name.
    Name,
}

/// A piece of text with its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextSpan {
    /// The text, without hidden characters.
    pub text: String,
    /// Its role on the screen.
    pub tone: Tone,
    /// Its role in the code.
    pub word: CodeWord,
}

/// One row of the screen.
pub(crate) type DiffRow = Vec<TextSpan>;

/// The whole screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// The rows, from the top.
    pub rows: Vec<DiffRow>,
}

/// Makes a span in which hidden characters are shown as code points rather than left out, because they matter in code.
/// Tabs stay, for [`wrapped`] to expand.
pub(super) fn span(text: impl AsRef<str>, tone: Tone) -> TextSpan {
    let hides = |char: char| is_hidden(char) && char != '\t';
    let seen = |char: char| if hides(char) { format!("⟨U+{:04X}⟩", char as u32) } else { char.to_string() };
    TextSpan { text: text.as_ref().chars().map(seen).collect(), tone, word: CodeWord::Plain }
}

/// Wraps `row` into rows of `width` columns, so that nothing is hidden. Code is broken after a blank if one is near,
/// and every blank is kept.
pub(super) fn wrapped(row: &[TextSpan], width: usize) -> Vec<DiffRow> {
    let mut rows = Rows::new(width, 0);
    for cell in cells(row) {
        if rows.column + cell.wide > width && rows.column > 0 {
            rows.break_behind_blank(width / 2);
        }
        rows.push(cell);
    }
    rows.done()
}

/// Wraps prose: words stay whole if they fit at all, and continuation rows are indented like the text of the first one.
pub(super) fn worded(row: &[TextSpan], width: usize) -> Vec<DiffRow> {
    let text: String = row.iter().map(|span| span.text.as_str()).collect();
    let mut rows = Rows::new(width, hang(&text, width));
    for cell in cells(row) {
        if rows.column + cell.wide > width && rows.column > rows.hang {
            if cell.is_blank() {
                rows.begin(Vec::new());
                continue;
            }
            rows.break_behind_blank(rows.hang + 1);
            rows.trim_last();
        }
        // A continuation row begins with a word.
        if cell.is_blank() && rows.all.len() > 1 && rows.column == rows.hang {
            continue;
        }
        rows.push(cell);
    }
    rows.done()
}

/// A unit that can't be broken: a character, or a tab expanded to blanks.
#[derive(Clone)]
struct Cell {
    text: String,
    wide: usize,
    tone: Tone,
    word: CodeWord,
}

impl Cell {
    fn is_blank(&self) -> bool {
        self.text.starts_with(' ')
    }
}

fn cells(row: &[TextSpan]) -> Vec<Cell> {
    let (mut cells, mut column) = (Vec::new(), 0);
    for span in row {
        for char in span.text.chars() {
            let text = if char == '\t' { " ".repeat(TAB - column % TAB) } else { char.to_string() };
            let wide = console::measure_text_width(&text);
            column += wide;
            cells.push(Cell { text, wide, tone: span.tone, word: span.word });
        }
    }
    cells
}

struct Rows {
    all: Vec<Vec<Cell>>,
    column: usize,
    hang: usize,
}

impl Rows {
    fn new(width: usize, hang: usize) -> Self {
        Self { all: vec![Vec::new()], column: 0, hang: if hang < width { hang } else { 0 } }
    }

    fn push(&mut self, cell: Cell) {
        self.column += cell.wide;
        if let Some(row) = self.all.last_mut() {
            row.push(cell);
        }
    }

    /// Starts a new row with `cells`.
    fn begin(&mut self, cells: Vec<Cell>) {
        let indent = Cell { text: " ".repeat(self.hang), wide: self.hang, tone: Tone::Plain, word: CodeWord::Plain };
        let row: Vec<Cell> = Some(indent).filter(|indent| indent.wide > 0).into_iter().chain(cells).collect();
        self.column = row.iter().map(|cell| cell.wide).sum();
        self.all.push(row);
    }

    /// Starts a new row, and moves the word that doesn't fit if it begins at column `from` or later.
    fn break_behind_blank(&mut self, from: usize) {
        let Some(row) = self.all.last_mut() else { return };
        let at = row.iter().rposition(Cell::is_blank).map_or(0, |blank| blank + 1);
        let before: usize = row[..at].iter().map(|cell| cell.wide).sum();
        let tail = if before > from { row.split_off(at) } else { Vec::new() };
        self.begin(tail);
    }

    /// Removes blanks from the end of the last but one row.
    fn trim_last(&mut self) {
        if let Some(before) = self.all.len().checked_sub(2).map(|at| &mut self.all[at]) {
            let end = before.iter().rposition(|cell| !cell.is_blank()).map_or(0, |at| at + 1);
            before.truncate(end);
        }
    }

    fn done(self) -> Vec<DiffRow> {
        let row = |cells: Vec<Cell>| {
            let mut row = DiffRow::new();
            for cell in &cells {
                push(&mut row, &cell.text, cell.tone, cell.word);
            }
            row
        };
        self.all.into_iter().map(row).collect()
    }
}

const TAB: usize = 4;

fn push(row: &mut DiffRow, text: &str, tone: Tone, word: CodeWord) {
    match row.last_mut() {
        Some(last) if (last.tone, last.word) == (tone, word) => last.text.push_str(text),
        _ => row.push(TextSpan { text: text.to_owned(), tone, word }),
    }
}

/// Width of a row in columns.
pub(super) fn columns(row: &[TextSpan]) -> usize {
    row.iter().map(|span| console::measure_text_width(&span.text)).sum()
}

/// Pads `row` to `width` columns, or cuts a longer one between words and marks the cut.
pub(super) fn fitted(row: &[TextSpan], width: usize, tone: Tone) -> DiffRow {
    let mut fitted = if columns(row) <= width { row.to_vec() } else { cut(row, width) };
    let missing = width.saturating_sub(columns(&fitted));
    push(&mut fitted, &" ".repeat(missing), tone, CodeWord::Plain);
    fitted
}

fn cut(row: &[TextSpan], width: usize) -> DiffRow {
    let mut cut = worded(row, width.saturating_sub(1).max(1)).swap_remove(0);
    let tone = cut.last().map_or(Tone::Plain, |span| span.tone);
    push(&mut cut, "…", tone, CodeWord::Plain);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rows: &[DiffRow]) -> Vec<String> {
        rows.iter().map(|row| row.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    #[test]
    fn long_rows_go_on_below_and_wide_characters_are_not_cut() {
        let rows = wrapped(&[span("ab", Tone::Plain), span("cd漢字", Tone::Added)], 5);
        assert_eq!(texts(&rows), ["abcd", "漢字"]);
        assert_eq!(rows[0].len(), 2);
    }

    #[test]
    fn prose_is_broken_between_words_below_its_text() {
        let prose = |text: &str, width| texts(&worded(&[span(text, Tone::Plain)], width));
        assert_eq!(prose("  y   accept this hunk as it is", 20), ["  y   accept this", "      hunk as it is"]);
        assert_eq!(prose("one two  three four", 9), ["one two", "three", "four"]);
        assert_eq!(prose("abcdefghijkl mn", 5), ["abcde", "fghij", "kl mn"], "what fits nowhere is not lost");
        assert_eq!(prose("one two", 7), ["one two"]);
        let (left, right) = (span("one t", Tone::Strong), span("wo three", Tone::Dim));
        assert_eq!(texts(&worded(&[left, right], 8)), ["one two", "  three"], "a word of two tones is one word");
        for width in 5..40 {
            let text = "Numbers read better in words, 漢字 as well: a-b.c and so on";
            let rows = worded(&[span(text, Tone::Plain)], width);
            assert!(rows.iter().all(|row| columns(row) <= width), "{width}: {rows:?}");
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&texts(&rows).concat()), letters(text));
        }
    }

    #[test]
    fn code_is_broken_behind_a_blank_and_keeps_it() {
        let code = |text: &str, width| texts(&wrapped(&[span(text, Tone::Plain)], width));
        assert_eq!(code("let total = left + right;", 14), ["let total = ", "left + right;"]);
        assert_eq!(code("let t = abcdefghijklmnop", 14), ["let t = ", "abcdefghijklmn", "op"]);
        assert_eq!(code("    x", 3), ["   ", " x"]);
    }

    #[test]
    fn what_is_cut_off_says_so() {
        let row = fitted(&[span("one two three", Tone::Bar)], 10, Tone::Bar);
        assert_eq!(texts(&[row]), ["one two…  "]);
    }

    #[test]
    fn tabs_reach_to_the_next_stop() {
        assert_eq!(texts(&wrapped(&[span("a\tb\tc", Tone::Plain)], 80)), ["a   b   c"]);
    }

    #[test]
    fn what_cannot_be_seen_is_told() {
        assert_eq!(span("a\u{202e}b\u{1b}[2J", Tone::Plain).text, "a⟨U+202E⟩b⟨U+001B⟩[2J");
    }

    #[test]
    fn a_row_fills_its_width() {
        let row = fitted(&[span("abc", Tone::Plain)], 5, Tone::Bar);
        assert_eq!((texts(std::slice::from_ref(&row)), columns(&row)), (vec!["abc  ".to_owned()], 5));
    }
}
