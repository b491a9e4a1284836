//! Removes control sequences from untrusted text (of the repository, of tests, of the model) before a terminal or a log
//! shows it.

use std::borrow::Cow;

use super::is_hidden;

/// Returns `text` without what could drive a terminal (C0 and C1 controls, escape sequences), reorder what is read
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

/// Like [`sanitise`], for text that must stay on one line, such as a file name: line breaks become `\n`, spelled out.
/// Otherwise a file name could forge lines of kcode's output.
#[must_use]
pub fn sanitise_line(text: &str) -> Cow<'_, str> {
    let clean = sanitise(text);
    if clean.contains('\n') { Cow::Owned(clean.replace('\n', "\\n")) } else { clean }
}

fn is_hostile(c: char) -> bool {
    is_hidden(c) && c != '\n' && c != '\t'
}

/// Writes the same characters as `\uXXXX` in JSON text, which keeps its value and can't drive a terminal.
#[must_use]
pub fn sanitise_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut units = [0; 2];
    let mut escaped = |c: char| {
        let units = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
        units.collect::<Vec<_>>().concat()
    };
    Cow::Owned(json.chars().map(|c| if is_hostile(c) { escaped(c) } else { c.to_string() }).collect())
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

/// Skips what follows ESC: a control sequence (`[`), a string that ends with BEL or ST (`]`, `P`, `X`, `^`, `_`), or
/// one more character.
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

/// Skips parameter and intermediate bytes and the final byte.
fn skip_control_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
    let _ = chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// GitHub's runner reads a line that begins with `::` (after blanks) or holds `##[` as a command; a space breaks both.
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
    fn json_says_the_same_in_plain_sight() {
        let value = "a\u{9b}2J\u{202e}b\u{e0041}\n";
        let json = serde_json::to_string(value).unwrap();
        let safe = sanitise_json(&json);
        assert_eq!(safe, r#""a\u009b2J\u202eb\udb40\udc41\n""#);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), value);
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(sanitise_line("x\n\nverified  9 files\u{1b}[2J"), "x\\n\\nverified  9 files");
        assert_eq!(sanitise_line("\n::error::\u{2028}b"), "\\n: :error::b");
        assert_eq!(sanitise_line("a\tb"), "a\tb");
    }

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
