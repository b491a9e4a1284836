//! What a parse found, as byte ranges of the text.

use std::ops::Range;

/// A parsed text.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Comments of every kind, in their order.
    pub comments: Vec<Range<usize>>,
    /// What stands between the quotes of strings, characters and regular expressions; code inserted into a string isn't in it.
    pub strings: Vec<Range<usize>>,
    /// Functions and what encloses them, each before what stands inside it.
    pub items: Vec<Item>,
    pub(super) marks: Vec<Mark>,
}

/// A declaration, or a call that stands as a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its name; of a call, what is called.
    pub name: String,
    /// Where its attributes or decorators begin; its own beginning when it has none.
    pub attributes: usize,
    /// From its first word to its end, attributes left out.
    pub range: Range<usize>,
    /// The item around it.
    pub parent: Option<usize>,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A function.
    Function,
    /// A function with a receiver, or of a class.
    Method,
    /// A macro's definition: what stands in it is no code until somebody calls it.
    Macro,
    /// A module, whether its content stands here or in another file.
    Module,
    /// A class.
    Class,
    /// A call that stands as a statement, `it('adds', () => …)`. Its name is what is called: `it`, `test.each`.
    Call {
        /// The content of its first argument when this is a string, the name when it is a function that has one.
        title: Option<String>,
        /// How many arguments it has.
        arguments: usize,
        /// What is called is what another call returns: `it.each(table)('adds', …)`.
        is_curried: bool,
    },
}

/// A statement, or the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without the blanks around it.
    pub range: Range<usize>,
    /// What of the same statement stands before a block inside it, `expect(sums.map(one => {` before `})).toEqual(…)`.
    pub before: Vec<Range<usize>>,
    /// Heads of the blocks around it within the range that was asked for, from outside to inside. One may be empty.
    pub around: Vec<Range<usize>>,
}

/// A place between statements.
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
    /// It ends.
    Close,
}

impl Source {
    /// The statements of `range` of `text`, which must be the text that was parsed; `range` begins and ends between statements.
    #[must_use]
    pub fn statements(&self, text: &str, range: Range<usize>) -> Vec<Statement> {
        let first = self.marks.partition_point(|mark| mark.at < range.start);
        let mut found = Vec::new();
        let (mut blocks, mut from): (Vec<Vec<Range<usize>>>, usize) = (Vec::new(), range.start);
        let mut before = Vec::new();
        let marks = self.marks[first..].iter().take_while(|mark| mark.at < range.end);
        let last = Mark { at: range.end, end: range.end, kind: MarkKind::Cut };
        for mark in marks.copied().chain([last]) {
            let piece = trimmed(text, from..mark.at.max(from));
            from = mark.end.max(from);
            // `else` and `catch` are heads of their own.
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
