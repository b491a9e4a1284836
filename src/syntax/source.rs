//! The result of a parse, as byte ranges of the text.

use std::ops::Range;

use super::deferred::Deferred;

/// What a parse found in a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// Comments of every kind, in their order in the text.
    pub comments: Vec<Range<usize>>,
    /// Content of strings, characters and regular expressions without their quotes; code interpolated into a string is
    /// left out.
    pub strings: Vec<Range<usize>>,
    /// Functions and what encloses them; each item comes before those inside it.
    pub items: Vec<Item>,
    /// Closures and asynchronous blocks whose value may be unused, in their order in the text.
    pub deferred: Vec<Deferred>,
    /// Starts of generator functions in their order, each with a place that makes it one.
    pub generators: Vec<(usize, usize)>,
    pub(super) marks: Vec<Mark>,
}

/// A declaration, or a call that is a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Kind of declaration, with the details of a call.
    pub kind: ItemKind,
    /// The declared name; for a call, the callee.
    pub name: String,
    /// Byte at which its attributes or decorators begin; `range.start` if it has none.
    pub attributes: usize,
    /// From its first word to its end, without attributes.
    pub range: Range<usize>,
    /// Index in [`Source::items`] of the enclosing item; `None` at the top.
    pub parent: Option<usize>,
}

/// Kind of an [`Item`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A function, or a variable that holds one.
    Function,
    /// A function with a receiver, or of a class.
    Method,
    /// A macro's definition, whose body is no code until the macro is called.
    Macro,
    /// A module, with its content here or in another file.
    Module,
    /// A class of Python, JavaScript or TypeScript.
    Class,
    /// A call that is a statement, such as `it('adds', () => …)`. Its name is the callee: `it`, `test.each`.
    Call {
        /// Content of the first argument if it is a string, or its name if it is a named function.
        title: Option<String>,
        /// Number of arguments.
        arguments: usize,
        /// Whether the callee is itself the result of a call: `it.each(table)('adds', …)`.
        is_curried: bool,
    },
}

/// A statement, or the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Range of its text, without surrounding whitespace.
    pub range: Range<usize>,
    /// Earlier parts of the same statement, before blocks inside it: `expect(sums.map(one => {` before
    /// `})).toEqual(…)`.
    pub before: Vec<Range<usize>>,
    /// Heads of the enclosing blocks within the requested range, outermost first. A head may be empty.
    pub around: Vec<Range<usize>>,
}

/// A boundary of a statement or block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub at: usize,
    pub end: usize,
    pub kind: MarkKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkKind {
    /// A statement begins or ends.
    Cut,
    /// A block begins.
    Open,
    /// A block ends.
    Close,
}

impl Source {
    /// Returns the statements in `range` of `text`, which must be the text that was parsed; `range` begins and ends
    /// between statements.
    #[must_use]
    pub(crate) fn statements(&self, text: &str, range: Range<usize>) -> Vec<Statement> {
        let first = self.marks.partition_point(|mark| mark.at < range.start);
        let mut found = Vec::new();
        let (mut blocks, mut from): (Vec<Vec<Range<usize>>>, usize) = (Vec::new(), range.start);
        let mut before = Vec::new();
        let marks = self.marks[first..].iter().take_while(|mark| mark.at < range.end);
        let last = Mark { at: range.end, end: range.end, kind: MarkKind::Cut };
        for mark in marks.copied().chain([last]) {
            let piece = trimmed(text, from..mark.at.max(from));
            from = mark.end.max(from);
            // `else` and `catch` begin a head of their own.
            if text[piece.clone()].starts_with(|first: char| first.is_alphanumeric() || first == '_') {
                before.clear();
            }
            if !piece.is_empty() {
                let around = blocks.iter().filter_map(|pieces| pieces.last().cloned()).collect();
                found.push(Statement { range: piece.clone(), before: before.clone(), around });
            }
            match mark.kind {
                MarkKind::Cut => before.clear(),
                MarkKind::Open => {
                    before.push(piece);
                    blocks.push(std::mem::take(&mut before));
                }
                MarkKind::Close => before = blocks.pop().unwrap_or_default(),
            }
        }
        found
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}
