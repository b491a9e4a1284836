//! Rejoins surrogate pairs that a stream split between events: `"\ud83d"` in one, `"\ude00"` in the next.
//!
//! JSON writes a character beyond U+FFFF as two escapes, and no parser accepts one alone. So a lone surrogate is
//! replaced by a plain-text mark before its event is parsed, and once the text is complete the marks become the
//! character. The marks use noncharacters, which don't occur in exchanged text.

use std::borrow::Cow;
use std::fmt::Write as _;

const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// Replaces each lone surrogate in JSON text with a mark.
pub(super) fn mark(json: &str) -> Cow<'_, str> {
    let mut marked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let escape = at + found;
        let Some(unit) = unit_at(json, escape) else {
            // Skips the escaped character: it can't begin another escape.
            at = (escape + 2).min(json.len());
            at = (at..=json.len()).find(|at| json.is_char_boundary(*at)).unwrap_or(json.len());
            continue;
        };
        at = escape + 6;
        let is_pair = is_high(unit) && unit_at(json, at).is_some_and(is_low);
        if is_pair {
            at += 6;
        } else if is_high(unit) || is_low(unit) {
            marked.push_str(&json[copied..escape]);
            let _ = write!(marked, "{OPEN}{unit:04x}{CLOSE}"); // Writing to a String can't fail.
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    marked.push_str(&json[copied..]);
    Cow::Owned(marked)
}

/// Replaces each pair of marks with its character. A surrogate that stays alone becomes U+FFFD.
pub(super) fn join(text: String) -> String {
    if !text.contains(OPEN) {
        return text;
    }
    let (mut joined, mut rest) = (String::with_capacity(text.len()), &*text);
    while let Some(at) = rest.find(OPEN) {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        match marked(rest) {
            None => {
                joined.push(OPEN);
                rest = &rest[OPEN.len_utf8()..];
            }
            Some((first, after)) => {
                let second = marked(after).filter(|(second, _)| is_high(first) && is_low(*second));
                let units = second.map_or_else(|| vec![first], |(second, _)| vec![first, second]);
                joined.push_str(&String::from_utf16_lossy(&units));
                rest = second.map_or(after, |(_, after)| after);
            }
        }
    }
    joined.push_str(rest);
    joined
}

/// The surrogate of a mark at the start of `text`, and the text behind the mark.
fn marked(text: &str) -> Option<(u16, &str)> {
    const DIGITS: usize = 4;
    let text = text.strip_prefix(OPEN)?;
    let (digits, after) = (text.get(..DIGITS)?, text.get(DIGITS..)?.strip_prefix(CLOSE)?);
    let unit = u16::from_str_radix(digits, 16).ok().filter(|unit| is_high(*unit) || is_low(*unit));
    Some((unit?, after))
}

/// The UTF-16 unit of the `\uXXXX` at this position.
fn unit_at(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

const fn is_high(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

const fn is_low(unit: u16) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        serde_json::from_str(&mark(json)).unwrap()
    }

    #[test]
    fn halves_of_two_events_become_one_character() {
        assert_eq!(join(read(r#""a\ud83d""#) + &read(r#""\uDE00b""#)), "a\u{1f600}b");
    }

    #[test]
    fn whole_pairs_and_other_escapes_are_left_alone() {
        for json in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u00e9\n\"""#, r#""\\\\ud83d é""#, r#""""#] {
            assert!(matches!(mark(json), Cow::Borrowed(_)), "{json}");
        }
        assert_eq!(join(read(r#""\\\ud83d x""#)), "\\\u{fffd} x");
    }

    #[test]
    fn a_half_that_stays_alone_is_shown_as_one() {
        for json in [r#""\ud83d""#, r#""\ude00""#] {
            assert_eq!(join(read(json)), "\u{fffd}");
        }
        assert_eq!(join(read(r#""\ude00\ud83d""#)), "\u{fffd}\u{fffd}");
        assert_eq!(join("\u{fdd0}no mark".to_owned()), "\u{fdd0}no mark");
        // Searching for the end of each mark would take hours.
        let open = "\u{fdd0}".repeat(1_000_000);
        assert_eq!(join(open.clone()), open);
    }
}
