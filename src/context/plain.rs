//! Removes hidden characters from untrusted text.

use crate::text::is_hidden;

/// Returns `text` without control characters (line breaks and tabs stay), without marks that reorder or hide text, and
/// with `\n` as the only line break.
pub(super) fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c)).collect()
}

/// Like [`plain`] for a name, which must stay on one line: each hidden character becomes U+FFFD.
pub(super) fn plain_name(name: &str) -> String {
    name.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_gone() {
        assert_eq!(plain("a\r\nb\tc\u{1b}[31md\u{202e}e\u{e0041}\0\u{85}\r"), "a\nb\tc[31mde");
        assert_eq!(plain_name("a\nb\u{200b}.rs"), "a\u{fffd}b\u{fffd}.rs");
        assert_eq!(plain("Grüße 你好 e\u{301}"), "Grüße 你好 e\u{301}");
    }
}
