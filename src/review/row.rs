//! What a screen is made of: rows of pieces of text, each with its tone. No colour, no escape sequence.

use crate::text::is_hidden;

/// How large a screen is, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// What a piece of text is, for whoever chooses colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Text.
    #[default]
    Plain,
    /// What surrounds.
    Dim,
    /// What matters.
    Strong,
    /// A line that goes.
    Removed,
    /// What differs in it.
    RemovedWord,
    /// A line that comes.
    Added,
    /// What differs in it.
    AddedWord,
    /// What is to be looked at.
    Warning,
    /// The first and the last row.
    Bar,
}

/// What a piece of code is, whatever happens to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Word {
    /// Nothing in particular.
    #[default]
    Plain,
    /// A comment.
    Comment,
    /// A keyword.
    Keyword,
    /// A string, a number, a constant.
    Literal,
    /// What is defined or called.
    Name,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its text; all of it can be seen.
    pub text: String,
    /// What it is.
    pub tone: Tone,
    /// What it is in its language.
    pub word: Word,
}

/// A row.
pub type Row = Vec<Span>;

/// A whole screen, as many rows as it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The rows.
    pub rows: Vec<Row>,
}

/// A piece of text in which hidden characters are told rather than left out: in code they matter. Tabs stay, for
/// [`wrapped`] to widen.
pub fn span(text: impl AsRef<str>, tone: Tone) -> Span {
    let hides = |char: char| is_hidden(char) && char != '\t';
    let seen = |char: char| if hides(char) { format!("⟨U+{:04X}⟩", char as u32) } else { char.to_string() };
    Span { text: text.as_ref().chars().map(seen).collect(), tone, word: Word::Plain }
}

/// `row` in as many rows of `width` columns as it takes: nothing is ever out of sight.
pub fn wrapped(row: &[Span], width: usize) -> Vec<Row> {
    let (mut rows, mut column) = (vec![Row::new()], 0);
    for span in row {
        for char in span.text.chars() {
            let text = if char == '\t' { " ".repeat(TAB - column % TAB) } else { char.to_string() };
            let wide = console::measure_text_width(&text);
            if column + wide > width && column > 0 {
                rows.push(Row::new());
                column = 0;
            }
            column += wide;
            if let Some(row) = rows.last_mut() {
                push(row, &text, span.tone, span.word);
            }
        }
    }
    rows
}

const TAB: usize = 4;

fn push(row: &mut Row, text: &str, tone: Tone, word: Word) {
    match row.last_mut() {
        Some(last) if (last.tone, last.word) == (tone, word) => last.text.push_str(text),
        _ => row.push(Span { text: text.to_owned(), tone, word }),
    }
}

/// How many columns a row takes.
pub fn columns(row: &[Span]) -> usize {
    row.iter().map(|span| console::measure_text_width(&span.text)).sum()
}

/// `row` filled up, or cut off, to `width` columns.
pub fn fitted(row: &[Span], width: usize, tone: Tone) -> Row {
    let mut fitted = wrapped(row, width).swap_remove(0);
    let missing = width.saturating_sub(columns(&fitted));
    push(&mut fitted, &" ".repeat(missing), tone, Word::Plain);
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| row.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    #[test]
    fn long_rows_go_on_below_and_wide_characters_are_not_cut() {
        let rows = wrapped(&[span("ab", Tone::Plain), span("cd漢字", Tone::Added)], 5);
        assert_eq!(texts(&rows), ["abcd", "漢字"]);
        assert_eq!(rows[0].len(), 2);
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
