//! Breaks lines for people between words, where the terminal would break them anywhere.

use console::measure_text_width;

/// Columns; text for a narrower terminal isn't wrapped.
const LEAST: usize = 20;
/// Columns within which a label and the start of its text are looked for.
const LABEL: usize = 16;

/// Breaks `text` at spaces into lines of at most `width` columns; continuation lines are indented to where the line's
/// own text begins. A longer word stays whole.
#[must_use]
pub fn wrap(text: &str, width: usize) -> String {
    if width < LEAST {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(|line| break_line(line, width, hang(line, width))).collect();
    lines.join("\n")
}

/// Breaks `line` at spaces into lines of at most `width` columns, all but the first indented by `hang` columns.
#[must_use]
pub fn break_line(line: &str, width: usize, hang: usize) -> String {
    if measure_text_width(line) <= width {
        return line.to_owned();
    }
    let (mut out, mut column, mut is_first) = (String::with_capacity(line.len() + 16), 0, true);
    for word in line.split(' ') {
        let columns = measure_text_width(word);
        if !is_first && columns > 0 && column + 1 + columns > width && column > hang {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hang));
            column = hang;
        } else if !is_first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += columns;
        is_first = false;
    }
    out
}

/// Returns the column at which a broken line continues.
#[must_use]
pub fn hang(line: &str, width: usize) -> usize {
    Some(text_column(line)).filter(|column| *column < width / 2).unwrap_or(0)
}

/// Returns the column at which a line's text begins: after its indentation, its bullet, and a label that at least two
/// spaces follow.
fn text_column(line: &str) -> usize {
    let plain = console::strip_ansi_codes(line);
    let indented = plain.chars().take_while(|char| *char == ' ').count();
    let rest = plain.trim_start_matches(' ');
    let bullet = if rest.starts_with("- ") || rest.starts_with("> ") || rest.starts_with("│ ") { 2 } else { 0 };
    let start: Vec<char> = plain.chars().take(LABEL).collect();
    let behind_label = (indented + 1..start.len())
        .rev()
        .find(|at| start[*at] != ' ' && start[at - 1] == ' ' && *at >= 2 && start[at - 2] == ' ')
        .filter(|at| *at > indented);
    behind_label.unwrap_or(if indented + bullet == 0 { 2 } else { indented + bullet })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_below_their_text() {
        let line = "tests     ./test.sh with a number of arguments        found in package.json";
        assert_eq!(
            wrap(line, 40),
            "tests     ./test.sh with a number of\n          arguments        found in\n          package.json"
        );
        assert_eq!(wrap("  hint: one two three four five", 20), "  hint: one two\n  three four five");
        assert_eq!(wrap("error: one two three four", 20), "error: one two three\n  four");
        assert_eq!(wrap("- one two three four five", 20), "- one two three four\n  five");
        let word = "x".repeat(50);
        assert_eq!(wrap(&format!("see {word} there"), 20), format!("see\n  {word}\n  there"));
    }

    #[test]
    fn colours_take_no_columns_and_nothing_is_lost() {
        let line = "\u{1b}[31mone two\u{1b}[0m three four 日本語 five six seven";
        for width in 20..60 {
            let wrapped = wrap(line, width);
            assert!(wrapped.lines().all(|line| measure_text_width(line) <= width), "{wrapped}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&wrapped), words(line));
        }
        assert_eq!(wrap("short", 80), "short");
    }
}
