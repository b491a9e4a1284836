//! Reads a text as its letters and digits alone, each with its place: characters between them, case and the usual
//! escapes of a character make no difference.

use std::ops::Range;

/// A letter or digit in lower case, and its place in the text.
pub(super) struct Letter {
    pub byte: u8,
    pub place: Range<usize>,
}

/// Iterates over the letters and digits of a text.
pub(super) struct Letters<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Letters<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Letters<'_> {
    type Item = Letter;

    #[inline]
    fn next(&mut self) -> Option<Letter> {
        while let Some(&byte) = self.text.get(self.at) {
            let start = self.at;
            let (byte, length) = match byte {
                b'%' | b'\\' | b'&' | 0x1b | 0xef => written_otherwise(&self.text[start..]),
                byte => (byte, 1),
            };
            self.at += length;
            if byte.is_ascii_alphanumeric() {
                return Some(Letter { byte: byte.to_ascii_lowercase(), place: start..self.at });
            }
        }
        None
    }
}

/// The character at the start of `text` and its length in bytes; 0 for a character that isn't ASCII.
fn written_otherwise(text: &[u8]) -> (u8, usize) {
    let found = match text {
        // %6b
        [b'%', rest @ ..] => number(rest, 16, 2, 2).map(|(value, length)| (value, 1 + length)),
        // \x6b, \u006b, \u{6b}, \U0000006b, \153; escaped line breaks and tabs are skipped.
        [b'\\', b'n' | b'r' | b't', ..] => Some((0, 2)),
        [b'\\', b'x', rest @ ..] => number(rest, 16, 2, 2).map(|(value, length)| (value, 2 + length)),
        [b'\\', b'u', b'{', rest @ ..] => number(rest, 16, 1, 8).map(|(value, length)| (value, 3 + length)),
        [b'\\', b'u', rest @ ..] => number(rest, 16, 4, 4).map(|(value, length)| (value, 2 + length)),
        [b'\\', b'U', rest @ ..] => number(rest, 16, 8, 8).map(|(value, length)| (value, 2 + length)),
        [b'\\', rest @ ..] => number(rest, 8, 3, 3).map(|(value, length)| (value, 1 + length)),
        // &#x6b; &#107;
        [b'&', b'#', b'x' | b'X', rest @ ..] => number(rest, 16, 1, 8).map(|(value, length)| (value, 3 + length)),
        [b'&', b'#', rest @ ..] => number(rest, 10, 1, 8).map(|(value, length)| (value, 2 + length)),
        // A colour sequence, up to its last letter.
        [0x1b, b'[', rest @ ..] => {
            let end = rest.iter().take(32).position(|byte| (0x40..=0x7e).contains(byte));
            end.map(|end| (0, end + 3))
        }
        // Fullwidth forms of Chinese and Japanese type, U+FF01 to U+FF5E.
        [0xef, 0xbc, last @ 0x81..=0xbf, ..] => Some((last - 0x81 + b'!', 3)),
        [0xef, 0xbd, last @ 0x80..=0x9e, ..] => Some((last - 0x80 + b'`', 3)),
        _ => None,
    };
    found.unwrap_or((0, 1))
}

/// Parses an ASCII character's number with `least` to `most` digits; returns it with the count of digits.
fn number(text: &[u8], radix: u32, least: usize, most: usize) -> Option<(u8, usize)> {
    let digits = text.iter().take(most).take_while(|byte| (**byte as char).is_digit(radix)).count();
    if digits < least {
        return None;
    }
    let value = u32::from_str_radix(std::str::from_utf8(&text[..digits]).ok()?, radix).ok()?;
    Some((u8::try_from(value).ok().filter(u8::is_ascii).unwrap_or(0), digits))
}
