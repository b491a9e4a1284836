//! What counts as text, how it is split into lines, and how lines are shown to the model.

use std::fmt::Write;
use std::ops::Range;

/// U+FEFF at the start of a file.
pub(super) const BOM: &str = "\u{feff}";

/// Shown lines are cut after this many bytes; only generated files have longer ones.
const LINE_CAP: usize = 2_000;

/// Why bytes can't be treated as text without loss.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// UTF-16 or UTF-32, by its byte order mark.
    #[error("it is {0} text that can't be read and edited without loss")]
    Wide(&'static str),
    /// It holds a NUL byte.
    #[error("it is binary: {size} bytes, the first NUL at byte {at}")]
    Binary {
        /// Offset of the first NUL.
        at: usize,
        /// Length of the file.
        size: usize,
    },
    /// It is not UTF-8.
    #[error(
        "it is not UTF-8: byte 0x{byte:02X} at offset {at} (line {line}), nor text in another encoding (nearest: \
         {likely}); it can't be read and edited without loss"
    )]
    Encoding {
        /// Offset of the first byte that isn't UTF-8.
        at: usize,
        /// Number of its line, from 1.
        line: usize,
        /// Its value.
        byte: u8,
        /// The most likely encoding.
        likely: &'static str,
    },
}

/// Decodes UTF-8; a byte order mark stays in the text.
///
/// # Errors
/// What the bytes are instead.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, NotText> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(NotText::Wide("UTF-32")),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(NotText::Wide("UTF-16")),
        _ => {}
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(NotText::Binary { at, size: bytes.len() });
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes[..at].split(|byte| *byte == b'\n').count();
        NotText::Encoding { at, line, byte: bytes[at], likely: "UTF-8" }
    })
}

/// A line without its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextLine<'a> {
    /// Its offset in bytes.
    pub start: usize,
    /// The text without the ending.
    pub text: &'a str,
    /// `"\n"`, `"\r\n"`, or empty at the end of the text.
    pub ending: &'static str,
}

impl TextLine<'_> {
    /// Offset of the line's end, without the ending.
    pub(super) fn text_end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Offset of the next line.
    pub(super) fn end(&self) -> usize {
        self.text_end() + self.ending.len()
    }
}

/// Splits `text` into lines. A lone carriage return doesn't end a line, as in git.
pub(super) fn lines(text: &str) -> Vec<TextLine<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|whole| {
            let (line, ending) = match whole.strip_suffix('\n') {
                None => (whole, ""),
                Some(line) => line.strip_suffix('\r').map_or((line, "\n"), |line| (line, "\r\n")),
            };
            let line = TextLine { start, text: line, ending };
            start += whole.len();
            line
        })
        .collect()
}

/// Counts of line endings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Endings {
    pub lf: usize,
    pub crlf: usize,
}

impl Endings {
    pub(super) fn of(lines: &[TextLine<'_>]) -> Self {
        let count = |ending| lines.iter().filter(|line| line.ending == ending).count();
        Self { lf: count("\n"), crlf: count("\r\n") }
    }

    pub(super) fn all_crlf(self) -> bool {
        self.crlf > 0 && self.lf == 0
    }
}

/// Unusual properties of a file that a model can't see in its lines.
pub(super) fn oddities(text: &str, lines: &[TextLine<'_>]) -> Vec<String> {
    let Endings { lf, crlf } = Endings::of(lines);
    let mut odd = Vec::new();
    match (lf, crlf) {
        (_, 0) => {}
        (0, _) => odd.push("CRLF line ends".to_owned()),
        _ => odd.push(format!("mixed line ends: {lf} LF, {crlf} CRLF")),
    }
    if text.starts_with(BOM) {
        odd.push("byte order mark".to_owned());
    }
    if lines.last().is_some_and(|line| line.ending.is_empty()) {
        odd.push("no newline at the end".to_owned());
    }
    odd
}

/// Appends `NUMBER<tab>TEXT`; `number` counts from 1. A long line is cut and marked. Returns whether it is complete.
pub(super) fn number_line(out: &mut String, number: usize, line: &str) -> bool {
    // The byte order mark is reported elsewhere; here it would get in the way of copying the line.
    let line = if number == 1 { line.trim_start_matches(BOM) } else { line };
    let shown = clip(line, LINE_CAP);
    let _ = write!(out, "{number}\t{shown}");
    if shown.len() < line.len() {
        let _ = write!(out, "… (line cut, {} more bytes)", line.len() - shown.len());
    }
    out.push('\n');
    shown.len() == line.len()
}

/// Bytes shown on either side of a match in a long line.
const AROUND: usize = 120;

/// The part of a long line around the byte range `at`, of which at most `cap` bytes are shown; `…` marks omissions.
pub(super) fn around(line: &str, at: Range<usize>, cap: usize) -> String {
    let start = line.floor_char_boundary(at.start.saturating_sub(AROUND));
    let end = line.ceil_char_boundary(at.end.min(at.start.saturating_add(cap)).saturating_add(AROUND));
    let (before, behind) = (if start > 0 { "…" } else { "" }, if end < line.len() { "…" } else { "" });
    format!("{before}{}{behind}", &line[start..end])
}

/// Number, from 1, of the first line that is too long to be shown completely.
pub(super) fn too_long(lines: &[TextLine<'_>]) -> Option<usize> {
    lines.iter().position(|line| line.text.len() > LINE_CAP).map(|index| index + 1)
}

/// The longest prefix of `text` with at most `cap` bytes.
pub(super) fn clip(text: &str, cap: usize) -> &str {
    &text[..text.floor_char_boundary(cap)]
}

/// `text` with invisible characters escaped; quotes and backslashes stay as they are, so that it can be copied.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\'' | '\\' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    shown
}

/// `1 line`, `2 lines`.
pub(super) fn counted(n: usize, what: &str) -> String {
    let plural = match what.strip_suffix("ch") {
        _ if n == 1 => "",
        Some(_) => "es",
        None => "s",
    };
    format!("{n} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_how_they_end() {
        let text = "a\r\nb\nc\rd\r\r\n\ne";
        let split: Vec<_> = lines(text).iter().map(|line| (line.text, line.ending)).collect();
        assert_eq!(split, [("a", "\r\n"), ("b", "\n"), ("c\rd\r", "\r\n"), ("", "\n"), ("e", "")]);
        assert!(lines(text).windows(2).all(|pair| pair[0].end() == pair[1].start));
        assert_eq!(lines(""), []);
    }

    #[test]
    fn what_is_around_a_place_of_a_long_line() {
        let line = format!("{}HIT{}", "ä".repeat(1_000), "z".repeat(1_000));
        let shown = around(&line, 2_000..2_003, 300);
        assert_eq!(shown, format!("…{}HIT{}…", "ä".repeat(60), "z".repeat(120)));
        assert_eq!(around("short HIT", 6..9, 300), "short HIT");
        assert_eq!(around(&line, 2_000..3_003, 3), shown, "a long hit is cut");
        around(&line, 1_999..2_001, 1);
    }

    #[test]
    fn only_what_can_not_be_seen_is_escaped() {
        assert_eq!(visible("a\\d \"ä\" it's\t\u{200b}\u{a0}\u{1b}"), "a\\d \"ä\" it's\\t\\u{200b}\\u{a0}\\u{1b}");
    }

    #[test]
    fn what_is_not_text_is_told_with_its_place() {
        assert_eq!(decode(b"a\nb\xE9"), Err(NotText::Encoding { at: 3, line: 2, byte: 0xE9, likely: "UTF-8" }));
        assert_eq!(decode(b"a\0"), Err(NotText::Binary { at: 1, size: 2 }));
        assert_eq!(decode(b"\xFF\xFEa\0"), Err(NotText::Wide("UTF-16")));
        assert_eq!(decode("\u{feff}ä".as_bytes()), Ok("\u{feff}ä"));
    }
}
