//! A text normalised for comparison, with a mapping back to the original's bytes.

/// A normalised text; each position maps to one in the original.
pub(super) struct Projection {
    pub text: String,
    /// Where the offset changes: from this byte of the projection on, this byte of the original.
    steps: Vec<(usize, usize)>,
}

impl Projection {
    /// Turns line endings into `\n` and maps each other character through `fold`.
    pub(super) fn new(original: &str, fold: impl Fn(char) -> char) -> Self {
        let mut projection = Self { text: String::with_capacity(original.len()), steps: vec![(0, 0)] };
        let mut drift = 0;
        let mut chars = original.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let mut end = at + char.len_utf8();
            if char == '\r' && chars.next_if(|(_, next)| *next == '\n').is_some() {
                end += 1;
                projection.text.push('\n');
            } else {
                projection.text.push(fold(char));
            }
            // The projection is never longer than the original.
            if end - projection.text.len() != drift {
                drift = end - projection.text.len();
                projection.steps.push((projection.text.len(), end));
            }
        }
        projection
    }

    /// Maps a byte of the projection that starts a character (or ends the text) to the original.
    pub(super) fn original(&self, at: usize) -> usize {
        let step = self.steps.partition_point(|(projected, _)| *projected <= at) - 1;
        let (projected, original) = self.steps[step];
        original + at - projected
    }
}

/// Maps typographic characters to the ASCII that models write for them, one to one, so that texts keep their shape.
pub(super) fn plain(char: char) -> char {
    match char {
        '\u{2018}'..='\u{201b}' | '\u{2032}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lead_back() {
        let original = "a\r\n“b”\n\u{a0}c\r";
        let projection = Projection::new(original, plain);
        assert_eq!(projection.text, "a\n\"b\"\n c\r");
        let back = |found: &str| {
            let at = projection.text.find(found).unwrap_or_default();
            &original[projection.original(at)..projection.original(at + found.len())]
        };
        assert_eq!(back("\n"), "\r\n");
        assert_eq!(back("\"b\""), "“b”");
        assert_eq!(back(" c\r"), "\u{a0}c\r");
        assert_eq!(back("a\n\"b"), "a\r\n“b");
    }
}
