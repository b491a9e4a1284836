//! The statements of a function with the conditions around them, however they are broken into lines; found by braces
//! and indentation for languages without a grammar.

use std::ops::Range;

use super::extent::{brackets, indent};
use super::language::Language;
use super::mask::Masked;
use super::pattern::Pattern;

/// A statement, or the head of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct TextStatement {
    /// Line at which it starts, counted from zero.
    pub line: usize,
    /// The statement with strings blanked.
    pub code: String,
    /// The statement with its strings.
    pub text: String,
    /// Heads of the enclosing blocks, outermost first.
    pub around: Vec<String>,
    /// Parts of `code` that are never run, each with its beginning for messages.
    pub unrun: Vec<(Range<usize>, String)>,
}

static BLOCK_WORD: Pattern = Pattern::new(
    r"^(?:if|else|elif|elsif|for|foreach|while|until|unless|match|switch|case|when|try|catch|except|rescue|finally|ensure|with|loop|unsafe|do|begin|def|class|select|using|lock|func|fn|function|async|describe|context|it|test)\b",
);
static LITERAL_OPENS: Pattern = Pattern::new(r"(?:[(,:\[?&|]|[^=!<>]=|^=|\breturn|\bof|\bin)$");
static GOES_ON: Pattern = Pattern::new(r"^\s*(?:\.[\w(]|\?\.|&&|\|\||->)");
static TO_BE_CONTINUED: Pattern = Pattern::new(r"(?:[,+*/&|=\\]|\bnot|\band|\bor)$");

pub(super) fn statements(file: &Masked, language: Language, lines: Range<usize>) -> Vec<TextStatement> {
    let lines = lines.start..lines.end.min(file.code.len());
    if language.is_indented() { by_indentation(file, lines) } else { ByBraces::new(file, lines).read() }
}

fn by_indentation(file: &Masked, lines: Range<usize>) -> Vec<TextStatement> {
    let mut found: Vec<TextStatement> = Vec::new();
    let mut heads: Vec<(usize, String)> = Vec::new();
    let mut depth = 0;
    for at in lines {
        let (code, text) = (file.code[at].as_str(), file.text[at].as_str());
        if code.trim().is_empty() {
            // Inside a string or brackets, the text still belongs to the statement.
            if let Some(open) = found.last_mut().filter(|_| !text.trim().is_empty()) {
                open.text.push(' ');
                open.text.push_str(text.trim());
            }
            continue;
        }
        let continues =
            depth > 0 || GOES_ON.is_match(code) || found.last().is_some_and(|last| last.code.ends_with('\\'));
        depth = (depth + brackets(code)).max(0);
        if let Some(last) = found.last_mut().filter(|_| continues) {
            last.code = [last.code.trim_end_matches('\\'), code.trim()].join(" ");
            last.text = [last.text.trim_end_matches('\\'), text.trim()].join(" ");
            continue;
        }
        heads.retain(|(width, _)| *width < indent(code));
        let around = heads.iter().map(|(_, head)| head.clone()).collect();
        let statement = TextStatement {
            line: at,
            code: code.trim().to_owned(),
            text: text.trim().to_owned(),
            around,
            unrun: Vec::new(),
        };
        if BLOCK_WORD.is_match(&statement.code) {
            heads.push((indent(code), statement.text.clone()));
        }
        found.push(statement);
    }
    found
}

struct ByBraces<'f> {
    file: &'f Masked,
    lines: Range<usize>,
    found: Vec<TextStatement>,
    current: TextStatement,
    /// Number of brackets open in the current statement.
    depth: i64,
    /// Heads of the enclosing blocks, each with the number of brackets that were open before it.
    blocks: Vec<(String, i64)>,
    /// For each open brace, whether it opened a block.
    braces: Vec<bool>,
}

impl<'f> ByBraces<'f> {
    fn new(file: &'f Masked, lines: Range<usize>) -> Self {
        let (found, blocks, braces) = (Vec::new(), Vec::new(), Vec::new());
        Self { file, lines, found, current: TextStatement::default(), depth: 0, blocks, braces }
    }

    fn read(mut self) -> Vec<TextStatement> {
        for at in self.lines.clone() {
            let (code, text) = (&self.file.code[at], &self.file.text[at]);
            for (column, byte) in code.bytes().enumerate() {
                self.byte(at, column, byte, text);
            }
            self.end_of_line(at);
        }
        self.finish();
        self.found
    }

    fn byte(&mut self, at: usize, column: usize, byte: u8, text: &str) {
        match byte {
            b'{' if self.opens_block() => {
                let head = self.current.text.trim().to_owned();
                self.finish();
                self.blocks.push((head, self.depth));
                self.braces.push(true);
                self.depth = 0;
                return;
            }
            b'}' if self.braces.pop() == Some(true) => {
                self.finish();
                self.depth = self.blocks.pop().map_or(0, |(_, depth)| depth);
                return;
            }
            b'{' => {
                self.braces.push(false);
                self.depth += 1;
            }
            b'(' | b'[' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = (self.depth - 1).max(0),
            b';' if self.depth == 0 => return self.finish(),
            _ => {}
        }
        self.push(at, column, byte, text);
    }

    /// Appends a byte to the statement, without leading whitespace.
    fn push(&mut self, at: usize, column: usize, byte: u8, text: &str) {
        if self.current.code.is_empty() {
            if byte.is_ascii_whitespace() {
                return;
            }
            self.current.line = at;
        }
        self.current.code.push(if byte.is_ascii() { char::from(byte) } else { ' ' });
        if let Some(character) = text.get(column..).and_then(|rest| rest.chars().next()) {
            self.current.text.push(character);
        }
    }

    fn end_of_line(&mut self, at: usize) {
        let next =
            (at + 1..self.lines.end).map(|next| self.file.code[next].as_str()).find(|next| !next.trim().is_empty());
        let goes_on = self.depth > 0
            || next.is_some_and(|next| GOES_ON.is_match(next))
            || TO_BE_CONTINUED.is_match(self.current.code.trim_end());
        if goes_on {
            self.current.code.push(' ');
            self.current.text.push(' ');
        } else {
            self.finish();
        }
    }

    /// Whether a brace at this place opens a block rather than a literal.
    fn opens_block(&self) -> bool {
        let before = self.current.code.as_str();
        let tight = before.trim_end();
        let is_head = self.depth == 0 && BLOCK_WORD.is_match(before);
        is_head || !LITERAL_OPENS.is_match(tight)
    }

    fn finish(&mut self) {
        let mut done = std::mem::take(&mut self.current);
        done.code = String::from(done.code.trim());
        done.text = String::from(done.text.trim());
        if done.code.chars().any(|character| character.is_alphanumeric() || "\"'`".contains(character)) {
            done.around = self.blocks.iter().map(|(head, _)| head.clone()).collect();
            self.found.push(done);
        }
    }
}
