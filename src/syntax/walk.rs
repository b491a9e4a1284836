//! One walk over a tree, without recursion: however deeply a text nests, no stack grows with it.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::grammar::Grammar;
use super::kinds::{Meaning, meaning};
use super::source::{Item, ItemKind, Mark, MarkKind, Source};
use super::tokens::Tokens;

/// What the tree of `text` says, and how many bytes of it stand in errors.
pub(super) fn walk(text: &str, tree: &Tree, grammar: Grammar) -> (Source, usize) {
    let mut walk = Walk { text, grammar, source: Source::default(), frames: Vec::new(), open: Vec::new(), wrong: 0 };
    let mut cursor = tree.walk();
    loop {
        walk.enter(&cursor.node());
        if cursor.goto_first_child() {
            continue;
        }
        loop {
            walk.leave(&cursor.node());
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                walk.source.strings.sort_by_key(|string| string.start);
                return (walk.source, walk.wrong);
            }
        }
    }
}

struct Walk<'t> {
    text: &'t str,
    grammar: Grammar,
    source: Source,
    frames: Vec<Frame>,
    /// Strings that were entered and not yet left; what is left of each behind the code inserted so far.
    open: Vec<Range<usize>>,
    wrong: usize,
}

/// A node that was entered and not yet left.
struct Frame {
    meaning: Meaning,
    /// Its children are statements from here on.
    holds_statements: bool,
    /// It is a statement of the frame around it.
    is_statement: bool,
    /// It, or what is nearest around it, is this item.
    item: Option<usize>,
    /// Where the attributes of its next child begin.
    attributes: Option<usize>,
    tokens: Tokens,
}

impl Walk<'_> {
    fn enter(&mut self, node: &Node) {
        let meaning =
            if node.is_named() || node.is_error() { meaning(self.grammar, node.kind()) } else { Meaning::Other };
        let is_child = !node.is_extra() && meaning != Meaning::Comment;
        // Between a macro's brackets there are tokens, not nodes.
        let holds = |around: &Frame| around.holds_statements && around.meaning != Meaning::Tokens;
        let is_statement = is_child && node.is_named() && self.frames.last().is_some_and(holds);
        if is_statement {
            self.mark(node.start_byte(), node.start_byte(), MarkKind::Cut);
        }
        if !node.is_named() {
            self.punctuation(node);
        }
        let mut item = self.frames.last().and_then(|around| around.item);
        let mut holds_statements = matches!(meaning, Meaning::Statements | Meaning::Suite);
        match meaning {
            Meaning::Comment => self.source.comments.push(node.byte_range()),
            Meaning::String => self.open.push(between_quotes(self.text, node.byte_range())),
            Meaning::Inserted => self.inserted(node),
            Meaning::Suite => self.mark(node.start_byte(), node.start_byte(), MarkKind::Open),
            Meaning::Error if !self.frames.iter().any(|around| around.meaning == Meaning::Error) => {
                self.wrong += node.byte_range().len();
            }
            Meaning::Function => item = self.item(node, ItemKind::Function).or(item),
            Meaning::Method => item = self.item(node, ItemKind::Method).or(item),
            Meaning::Macro => item = self.item(node, ItemKind::Macro).or(item),
            Meaning::Module => item = self.item(node, ItemKind::Module).or(item),
            Meaning::Class => item = self.item(node, ItemKind::Class).or(item),
            Meaning::Tokens => (item, holds_statements) = self.tokens(node, item),
            _ => {}
        }
        if let Some(around) = self.frames.last_mut().filter(|_| is_child) {
            match meaning {
                Meaning::Attribute => drop(around.attributes.get_or_insert(node.start_byte())),
                _ if around.meaning == Meaning::Tokens => around.tokens.see(node, self.text),
                _ => around.attributes = None,
            }
        }
        let tokens = Tokens::default();
        self.frames.push(Frame { meaning, holds_statements, is_statement, item, attributes: None, tokens });
    }

    fn leave(&mut self, node: &Node) {
        let Some(left) = self.frames.pop() else { return };
        match left.meaning {
            Meaning::Suite => self.mark(node.end_byte(), node.end_byte(), MarkKind::Close),
            Meaning::String => self.source.strings.extend(self.open.pop()),
            _ => {}
        }
        if left.is_statement {
            self.mark(node.end_byte(), node.end_byte(), MarkKind::Cut);
        }
    }

    /// Code in a string is code.
    fn inserted(&mut self, node: &Node) {
        let code = node.child_by_field_name("expression").map_or(node.byte_range(), |code| code.byte_range());
        if let Some(string) = self.open.last_mut() {
            self.source.strings.push(string.start..code.start.max(string.start));
            string.start = code.end.max(string.start).min(string.end);
        }
    }

    fn mark(&mut self, at: usize, end: usize, kind: MarkKind) {
        self.source.marks.push(Mark { at, end, kind });
    }

    /// A brace of a block, or a semicolon between statements.
    fn punctuation(&mut self, node: &Node) {
        let Some(around) = self.frames.last_mut() else { return };
        let is_block = around.meaning == Meaning::Block || around.meaning == Meaning::Tokens && around.holds_statements;
        let kind = match node.kind() {
            "{" if is_block => MarkKind::Open,
            "}" if is_block => MarkKind::Close,
            ";" if around.holds_statements => MarkKind::Cut,
            _ => return,
        };
        // What stands in a macro's tokens is cut at semicolons alone.
        around.holds_statements = around.meaning != Meaning::Block || kind != MarkKind::Close;
        self.mark(node.start_byte(), node.end_byte(), kind);
    }

    fn item(&mut self, node: &Node, kind: ItemKind) -> Option<usize> {
        let name = self.text.get(node.child_by_field_name("name")?.byte_range())?.to_owned();
        let around = self.frames.last();
        let attributes = around.and_then(|around| around.attributes).unwrap_or(node.start_byte());
        let parent = around.and_then(|around| around.item);
        self.source.items.push(Item { kind, name, attributes, range: node.byte_range(), parent });
        Some(self.source.items.len() - 1)
    }

    /// The item that a macro's tokens are, and whether they are statements.
    fn tokens(&mut self, node: &Node, item: Option<usize>) -> (Option<usize>, bool) {
        let inside = self.text.get(node.byte_range()).unwrap_or_default();
        let Some(around) = self.frames.last().filter(|around| around.meaning == Meaning::Tokens) else {
            return (item, inside.starts_with('{'));
        };
        let is_block = inside.starts_with('{') && around.tokens.opens_block(node);
        let Some(found) = around.tokens.signature(inside) else { return (item, is_block) };
        let name = self.text.get(found.name).unwrap_or_default().to_owned();
        let range = found.start..node.end_byte();
        self.source.items.push(Item {
            kind: ItemKind::Function,
            name,
            attributes: found.attributes,
            range,
            parent: item,
        });
        (Some(self.source.items.len() - 1), true)
    }
}

/// The range of a literal without its quotes, and what stands before and behind these.
fn between_quotes(text: &str, range: Range<usize>) -> Range<usize> {
    let literal = text.get(range.clone()).unwrap_or_default();
    let Some(open) = literal.find(['"', '\'', '`']) else { return range.end..range.end };
    let quote = &literal[open..=open];
    let tripled = quote.repeat(3);
    let is_long = literal.len() >= open + 6 && literal[open..].starts_with(&tripled);
    let quote = if is_long { tripled.as_str() } else { quote };
    let start = open + quote.len();
    let closed = literal.trim_end_matches('#');
    let end = if closed.ends_with(quote) { closed.len() - quote.len() } else { literal.len() };
    range.start + start..range.start + end.max(start)
}
