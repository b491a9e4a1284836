//! Characters that show nothing and can carry words all the same.

use super::is_hidden;

/// Whether `c` is [hidden](is_hidden) or shows nothing by itself: Unicode's default ignorable code points (soft hyphens,
/// fillers, joiners, variation selectors, the tag plane), annotations, notation controls, the blank Braille pattern and
/// private use. Line breaks and tabs count as well. Drops emoji's style and joiners from text, too.
///
/// <https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>
#[must_use]
pub fn is_invisible(c: char) -> bool {
    is_hidden(c)
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        )
        || matches!(c, '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{13430}'..='\u{13455}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}
