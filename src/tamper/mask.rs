//! A file's text with comments blanked, and once more with strings blanked as well.
//!
//! Both keep the lines and columns of the original, so that positions agree. A test that was commented out or wrapped
//! in a string disappears.

use super::language::{Language, MaskRules};
use crate::syntax::Source;

/// The forms of a file that the guard reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Masked {
    /// The original lines.
    pub raw: Vec<String>,
    /// With comments blanked.
    pub text: Vec<String>,
    /// With comments and the contents of strings blanked.
    pub code: Vec<String>,
}

impl Masked {
    /// Masks a file of a language without a grammar.
    pub(super) fn new(source: &str, language: Language) -> Self {
        let mut mask = SourceMask::over(source.as_bytes());
        mask.run(&language.syntax());
        mask.done()
    }

    /// Masks a file by its parse.
    pub(super) fn parsed(text: &str, source: &Source) -> Self {
        let mut mask = SourceMask::over(text.as_bytes());
        for comment in &source.comments {
            blank(&mut mask.text[comment.clone()]);
            blank(&mut mask.code[comment.clone()]);
        }
        source.strings.iter().for_each(|string| blank(&mut mask.code[string.clone()]));
        mask.join();
        mask.done()
    }
}

struct SourceMask<'s> {
    source: &'s [u8],
    text: Vec<u8>,
    code: Vec<u8>,
    at: usize,
}

impl<'s> SourceMask<'s> {
    fn over(source: &'s [u8]) -> Self {
        Self { source, text: source.to_vec(), code: source.to_vec(), at: 0 }
    }

    fn done(self) -> Masked {
        let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).split('\n').map(str::to_owned).collect::<Vec<_>>();
        Masked { raw: lines(self.source), text: lines(&self.text), code: lines(&self.code) }
    }

    /// Blanks a backslash that only continues a line of code.
    fn join(&mut self) {
        let ends: Vec<usize> = memchr::memmem::find_iter(&self.code, b"\\\n").collect();
        for at in ends {
            (self.text[at], self.code[at]) = (b' ', b' ');
        }
    }

    fn run(&mut self, syntax: &MaskRules) {
        while self.at < self.source.len() {
            if let Some(end) = self.comment(syntax) {
                blank(&mut self.text[self.at..end]);
                blank(&mut self.code[self.at..end]);
                self.at = end;
            } else if let Some((open, close, end)) = self.string(syntax) {
                blank(&mut self.code[self.at + open..end.saturating_sub(close).max(self.at + open)]);
                self.at = end;
            } else {
                self.at += 1;
            }
        }
    }

    fn rest(&self) -> &'s [u8] {
        &self.source[self.at..]
    }

    /// Returns the end of the comment that starts here.
    fn comment(&self, syntax: &MaskRules) -> Option<usize> {
        let rest = self.rest();
        if syntax.line_comments.iter().any(|open| rest.starts_with(open.as_bytes())) {
            // `$#` of shells and `#{…}` of Ruby strings are no comments, nor is `#[`.
            let is_glued = rest[0] == b'#' && self.at > 0 && !self.source[self.at - 1].is_ascii_whitespace();
            let is_attribute = rest.starts_with(b"#[");
            let is_inserted = is_glued && rest.get(1) == Some(&b'{');
            return (!is_attribute && !is_inserted).then(|| self.at + line_end(rest));
        }
        let (open, close) = syntax.block_comment?;
        let inner = rest.strip_prefix(open.as_bytes())?;
        let length = find(inner, close.as_bytes()).map_or(rest.len(), |at| open.len() + at + close.len());
        Some(self.at + length)
    }

    /// Returns the lengths of the opening and the closing quote of the string that starts here, and its end.
    fn string(&self, syntax: &MaskRules) -> Option<(usize, usize, usize)> {
        let rest = self.rest();
        if let Some(quote) = syntax.long_quotes.iter().find(|quote| rest.starts_with(quote.as_bytes())) {
            let end = closing(&rest[quote.len()..], quote.as_bytes(), true).map_or(rest.len(), |at| quote.len() + at);
            return Some((quote.len(), quote.len(), self.at + end));
        }
        let is_quote = syntax.quotes.contains(&rest[0]);
        if !is_quote {
            return None;
        }
        let line = &rest[1..line_end(rest).max(1)];
        match closing(line, &rest[..1], true) {
            Some(at) => Some((1, 1, self.at + 1 + at)),
            // For a quote without its partner, a wrong guess must not swallow the rest of the file.
            None => Some((1, 0, self.at + 1 + line.len())),
        }
    }
}

/// Blanks everything but line breaks.
fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

fn line_end(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, needle)
}

/// Returns the position after the closing `quote`.
fn closing(bytes: &[u8], quote: &[u8], escapes: bool) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        if escapes && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at..].starts_with(quote) {
            return Some(at + quote.len());
        } else {
            at += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(source: &str, language: Language) -> (String, String) {
        let masked = Masked::new(source, language);
        (masked.text.join("\n"), masked.code.join("\n"))
    }

    #[test]
    fn comments_and_strings_are_blank() {
        let (text, code) = masked("x = 'a//b' // c\n\"\"\"doc\nmore\"\"\"\ny", Language::Kotlin);
        assert_eq!(text, "x = 'a//b'     \n\"\"\"doc\nmore\"\"\"\ny");
        assert_eq!(code, "x = '    '     \n\"\"\"   \n    \"\"\"\ny");
    }

    #[test]
    fn an_open_quote_ends_with_its_line() {
        assert_eq!(masked("it's\nassert x", Language::Ruby).1, "it' \nassert x");
    }
}
