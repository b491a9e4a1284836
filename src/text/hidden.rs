//! Characters that are invisible, or that control the terminal that shows them.

/// Whether `c` is a control character (line breaks and tabs included), a direction mark, a zero-width character, a line
/// or paragraph separator, or a character of the invisible tag alphabet. Callers drop or replace these in untrusted
/// text.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}
