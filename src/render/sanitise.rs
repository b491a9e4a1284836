//! Law 9: text of the repository, of tests and of the model never reaches a terminal or a log raw.

use std::borrow::Cow;

/// `text` without what could drive a terminal (C0 and C1 controls, escape sequences), reorder what is read
/// (bidirectional controls) or command GitHub Actions (`::name::` and `##[name]` at the start of a line).
/// Newlines and tabs stay.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) && !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let visible = without_controls(text);
    Cow::Owned(visible.split_inclusive('\n').map(defuse).collect())
}

fn is_hostile(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    // Directional marks, embeddings, overrides and isolates; line and paragraph separators; the zero-width ones.
    let hidden = matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    control || hidden
}

fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            c if is_hostile(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// After ESC: a control sequence (`[`), a string that runs to BEL or ST (`]`, `P`, `X`, `^`, `_`), or one more character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => skip_control_sequence(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                if c == '\u{7}' || c == '\u{9c}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    return;
                }
            }
        }
        _ => {}
    }
}

/// Parameters and intermediates up to the final byte.
fn skip_control_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
    let _ = chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// A runner reads a line that begins with `::` (after blanks) or holds `##[` as a command; a space breaks both.
fn defuse(line: &str) -> String {
    let line = line.replace("##[", "## [");
    let body = line.trim_start();
    match body.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - body.len()]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_gone() {
        for (raw, clean) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://evil\u{1b}\\link", "link"),
            ("\u{9b}2Jcleared", "cleared"),
            ("a\rb\u{8}c\u{0}", "abc"),
            ("user\u{202e}gnp.exe", "usergnp.exe"),
            ("\u{1b}]never closed\nnext", "\nnext"),
            ("  ::set-env name=A::b\n", "  : :set-env name=A::b\n"),
            ("std::vec ##[error]x", "std::vec ## [error]x"),
        ] {
            assert_eq!(sanitise(raw), clean, "{raw:?}");
        }
    }
}
