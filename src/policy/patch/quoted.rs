//! Names as git writes them: plain, or quoted as in C.

/// Takes one name from the front of `text`: a quoted one up to its closing quote. `None` when it isn't one.
pub(super) fn take_quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (byte, after) = unescape(rest)?;
                name.push(byte);
                rest = after;
            }
            0..=0x1f | 0x7f => return None,
            byte => name.push(*byte),
        }
    }
}

/// The byte of an escape, after its backslash. As git's `unquote_c_style`: three octal digits, the first up to 3.
fn unescape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = text.split_first()?;
    let byte = match first {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => *first,
        b'0'..=b'3' => {
            let [second @ b'0'..=b'7', third @ b'0'..=b'7', rest @ ..] = rest else { return None };
            let value = (first - b'0') << 6 | (second - b'0') << 3 | (third - b'0');
            return (value != 0).then_some((value, rest));
        }
        _ => return None,
    };
    Some((byte, rest))
}

/// A whole text that is one name, quoted or plain.
pub(super) fn name(text: &[u8]) -> Option<Vec<u8>> {
    if text.starts_with(b"\"") {
        let (name, rest) = take_quoted(text)?;
        return rest.is_empty().then_some(name);
    }
    is_plain(text).then(|| text.to_vec())
}

/// Whether git writes a name without quotes: no control character, quote or backslash. (Other bytes than ASCII are
/// plain with `core.quotePath=false`.)
pub(super) fn is_plain(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|byte| matches!(byte, 0..=0x1f | 0x7f | b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_git_writes_them() {
        assert_eq!(name(br#""a/\303\244\n\t\"\\""#), Some("a/ä\n\t\"\\".as_bytes().to_vec()));
        assert_eq!(name(b"a/with space"), Some(b"a/with space".to_vec()));
        assert_eq!(name("a/ä".as_bytes()), Some("a/ä".as_bytes().to_vec()));
        for wrong in [
            &br#""a"#[..],
            br#""a"b"#,
            br#""\400""#,
            br#""\12""#,
            br#""\000""#,
            br#""\x""#,
            b"a\tb",
            b"a\rb",
            b"",
            b"a\"b",
            b"a\\b",
        ] {
            assert_eq!(name(wrong), None, "{}", wrong.escape_ascii());
        }
    }
}
