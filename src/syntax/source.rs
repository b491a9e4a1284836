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
}

/// A statement, or the head of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without the blanks around it.
    pub range: Range<usize>,
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
        let (mut heads, mut from) = (Vec::new(), range.start);
        let marks = self.marks[first..].iter().take_while(|mark| mark.at < range.end);
        let last = Mark { at: range.end, end: range.end, kind: MarkKind::Cut };
        for mark in marks.copied().chain([last]) {
            let piece = trimmed(text, from..mark.at.max(from));
            from = mark.end.max(from);
            if !piece.is_empty() {
                found.push(Statement { range: piece.clone(), around: heads.clone() });
            }
            match mark.kind {
                MarkKind::Cut => {}
                MarkKind::Open => heads.push(piece),
                MarkKind::Close => drop(heads.pop()),
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
