//! What a patch adds to files: secrets, characters that hide, lines that run code.

use super::fold::is_ignored;
use super::patch::AddedLine;
use super::rules;
use crate::settings::Redactor;
use crate::text::is_hidden;

/// Letters that look exactly like an ASCII letter in usual fonts.
const LOOKALIKES: &str = "аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧο";

/// Numbers of the added lines that hold a secret.
pub(super) fn secrets(added: &[AddedLine], redactor: &Redactor) -> Vec<u64> {
    let mut found = Vec::new();
    // A secret may have several lines, but not across lines that stay.
    for block in added.chunk_by(|one, next| next.number == one.number + 1) {
        let text = block.iter().map(|line| line.text.as_slice()).collect::<Vec<_>>().join(&b'\n');
        let clean = redactor.bytes(&text);
        if clean == text {
            continue;
        }
        // Redacting keeps the number of lines.
        let pairs = block.iter().zip(clean.split(|byte| *byte == b'\n'));
        found.extend(pairs.filter(|(line, clean)| line.text != *clean).map(|(line, _)| line.number));
    }
    found
}

/// The added lines with characters that hide, each with the reason.
pub(super) fn hidden(added: &[AddedLine]) -> Vec<(u64, String)> {
    let why = |line: &AddedLine| {
        let text = String::from_utf8_lossy(&line.text);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let text = if line.number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        Some((line.number, hides(text)?))
    };
    added.iter().filter_map(why).collect()
}

/// Why a text isn't what it looks like, if it isn't.
pub(super) fn hides(text: &str) -> Option<String> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t' && byte != 0x0c) {
        return None;
    }
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let hidden = chars.iter().enumerate().find(|(index, c)| {
        let before = index.checked_sub(1).and_then(at);
        is_unseen(**c) && !joins(before, **c, at(index + 1))
    });
    if let Some((_, c)) = hidden {
        return Some(format!("it holds the invisible or text-reordering character U+{:04X}", u32::from(*c)));
    }
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mixed = words.find_map(|word| {
        let has_ascii = word.chars().any(|c| c.is_ascii_alphabetic());
        word.chars().find(|c| has_ascii && LOOKALIKES.contains(*c))
    });
    mixed.map(|c| format!("a word of Latin letters holds U+{:04X}, which only looks like one", u32::from(c)))
}

fn is_unseen(c: char) -> bool {
    (is_hidden(c) && !matches!(c, '\t' | '\u{c}')) || is_ignored(c)
}

/// Whether a joiner or a selector does its work between these characters: in an emoji, or in a script that needs it.
fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let is_emoji = |c: char| matches!(u32::from(c), 0x2190..=0x2bff | 0x3030..=0x303d | 0x3297..=0x3299 | 0x1f000..=0x1faff | 0xfe0f);
    let is_joined_script = |c: char| matches!(u32::from(c), 0x600..=0x8ff | 0x900..=0xdff | 0x1000..=0x109f | 0x1780..=0x17ff | 0xfb50..=0xfdff);
    let both = |is: &dyn Fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
    match c {
        // Text and emoji form of one sign; digits and signs of keycaps have it too.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|it| {
            it != '\u{fe0f}'
                && (is_emoji(it) || matches!(it, '0'..='9' | '#' | '*' | '©' | '®' | '‼' | '⁉' | '™' | 'ℹ'))
        }),
        '\u{200d}' => both(&is_emoji) || both(&is_joined_script),
        '\u{200c}' => both(&is_joined_script),
        _ => false,
    }
}

/// The added lines of a manifest that make it run code, each with the reason.
pub(super) fn running(path: &str, added: &[AddedLine]) -> Vec<(u64, &'static str)> {
    if !rules::reads_lines(path) {
        return Vec::new();
    }
    let why = |line: &AddedLine| {
        let text = String::from_utf8_lossy(&line.text);
        let text = if path.rsplit('.').next() == Some("json") { unescaped(&text) } else { text.into_owned() };
        Some((line.number, rules::runs_code(path, &text)?))
    };
    added.iter().filter_map(why).collect()
}

/// A line of JSON with `\uXXXX` resolved.
fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\\u") {
        out.push_str(before);
        let code = after.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        if let Some(c) = code {
            out.push(c);
            rest = &after[4..];
        } else {
            out.push_str("\\u");
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, text: &str) -> AddedLine {
        AddedLine { number, text: text.as_bytes().to_vec() }
    }

    #[test]
    fn what_hides_is_found_and_what_joins_is_not() {
        for text in [
            "a\u{202e}b",
            "x = '\u{200b}'",
            "\u{e0041}",
            "p\u{430}ypal",
            "a\u{1b}[31m",
            "a\rb",
            "x\u{3164}",
            "ok\u{fe01}\u{fe02}",
            "a\u{200d}b",
            "\u{feff}x",
        ] {
            assert!(hides(text).is_some(), "{text:?}");
        }
        for text in [
            "plain",
            "\tindented",
            "naïve café",
            "привет мир",
            "👩\u{200d}💻",
            "❤\u{fe0f} ok",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "μs 5 kΩ",
            "日本語",
        ] {
            assert_eq!(hides(text), None, "{text:?}");
        }
        assert_eq!(hidden(&[line(1, "\u{feff}x\r"), line(2, "\u{feff}x")]).len(), 1);
    }

    #[test]
    fn secrets_are_found_by_line_also_when_they_have_several() {
        let token = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6");
        let key = [
            "-----BEGIN PRIVATE KEY-----",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
            "-----END PRIVATE KEY-----",
        ];
        let added =
            [line(3, "x = 1"), line(4, &format!("t = '{token}'")), line(9, key[0]), line(10, key[1]), line(11, key[2])];
        assert_eq!(secrets(&added, &Redactor::shapes()), [4, 9, 10, 11]);
    }

    #[test]
    fn escapes_of_json_hide_no_script() {
        assert_eq!(running("a/package.json", &[line(2, r#""\u0070ostinstall": "x""#)]).len(), 1);
        assert_eq!(unescaped(r"\u12 \ud800 \u0041"), r"\u12 \ud800 A");
    }
}
