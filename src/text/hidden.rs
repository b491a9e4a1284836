//! Characters that a reader can't see, or that drive what shows them.

/// Control characters (line breaks and tabs included), direction marks, zero-width characters, line and paragraph
/// separators, and the invisible tag alphabet. Text of others loses them before it is shown or quoted.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
}
