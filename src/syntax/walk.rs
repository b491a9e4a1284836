//! Walks a tree once, without recursion, so that deeply nested text can't exhaust the stack.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::calls::{call, is_function};
use super::deferred::{deferred, generator};
use super::grammar::Grammar;
use super::kinds::{Meaning, meaning};
use super::source::{Item, ItemKind, Mark, MarkKind, Source};
use super::tokens::TokenContext;

/// Levels of nested blocks; deeper text is rejected.
const MAX_NESTING: usize = 64;

/// Collects what the tree of `text` says, and the number of its bytes in errors; `None` if it nests too deeply.
pub(super) fn walk(text: &str, tree: &Tree, grammar: Grammar) -> Option<(Source, usize)> {
    let (source, frames, open) = (Source::default(), Vec::new(), Vec::new());
    let mut walk = TreeWalk { text, grammar, source, frames, nodes: Vec::new(), open, nesting: 0, wrong: 0 };
    let mut cursor = tree.walk();
    loop {
        walk.enter(&cursor.node(), cursor.field_name());
        if walk.nesting > MAX_NESTING {
            return None;
        }
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
                walk.source.generators.sort_unstable();
                return Some((walk.source, walk.wrong));
            }
        }
    }
}

struct TreeWalk<'t> {
    text: &'t str,
    grammar: Grammar,
    source: Source,
    frames: Vec<Frame>,
    /// The nodes of `frames`.
    nodes: Vec<Node<'t>>,
    /// Strings that were entered and not yet left; for each, the range after the code interpolated so far.
    open: Vec<Range<usize>>,
    /// Number of blocks around the current node.
    nesting: usize,
    /// Number of bytes of tokens in errors.
    wrong: usize,
}

/// A node that was entered and not yet left.
struct Frame {
    meaning: Meaning,
    /// Whether its children are statements from here on.
    holds_statements: bool,
    /// Whether it is a statement of the enclosing frame.
    is_statement: bool,
    /// Whether it is a body without braces.
    is_body: bool,
    /// Whether it is an `else` clause.
    is_else: bool,
    /// Index of this item, or of the nearest one around it.
    item: Option<usize>,
    /// Byte at which the attributes of its next child begin.
    attributes: Option<usize>,
    tokens: TokenContext,
}

impl<'t> TreeWalk<'t> {
    fn enter(&mut self, node: &Node<'t>, field: Option<&str>) {
        let meaning =
            if node.is_named() || node.is_error() { meaning(self.grammar, node.kind()) } else { Meaning::Other };
        let is_child = !node.is_extra() && meaning != Meaning::Comment;
        // A macro's brackets hold tokens, not nodes.
        let holds = |around: &Frame| around.holds_statements && around.meaning != Meaning::Tokens;
        let is_statement = is_child && node.is_named() && self.frames.last().is_some_and(holds);
        let is_body = is_child && meaning != Meaning::Block && self.is_body(node, field);
        if is_statement {
            self.mark(node.start_byte(), node.start_byte(), MarkKind::Cut);
        }
        if is_body || meaning == Meaning::Suite {
            self.mark(node.start_byte(), node.start_byte(), MarkKind::Open);
        }
        if !node.is_named() {
            self.punctuation(node);
        }
        let around = self.frames.last().and_then(|around| around.item);
        let (item, holds_statements) = match meaning {
            Meaning::Tokens => self.tokens(node, around),
            Meaning::Statements | Meaning::Suite => (around, true),
            _ => (self.item(node, meaning).or(around), false),
        };
        self.text(node, meaning);
        if let Some(around) = self.frames.last_mut().filter(|_| is_child) {
            match meaning {
                Meaning::Attribute => drop(around.attributes.get_or_insert(node.start_byte())),
                _ if around.meaning == Meaning::Tokens => around.tokens.see(node, self.text),
                _ if node.is_named() => around.attributes = None,
                _ => {}
            }
        }
        let tokens = TokenContext::default();
        let is_else = node.kind() == "else_clause";
        let attributes = None;
        self.source.deferred.extend(deferred(*node, &self.nodes, self.text, self.grammar));
        let generator = generator(*node, &self.nodes, self.function_start(), self.grammar);
        self.source.generators.extend(generator.map(|start| (start, node.start_byte())));
        self.nodes.push(*node);
        self.frames.push(Frame { meaning, holds_statements, is_statement, is_body, is_else, item, attributes, tokens });
    }

    fn leave(&mut self, node: &Node) {
        let Some(left) = self.frames.pop() else { return };
        self.nodes.pop();
        if left.meaning == Meaning::String {
            self.source.strings.extend(self.open.pop());
        }
        if left.is_body || left.meaning == Meaning::Suite {
            self.mark(node.end_byte(), node.end_byte(), MarkKind::Close);
        }
        if left.is_statement {
            self.mark(node.end_byte(), node.end_byte(), MarkKind::Cut);
        }
    }

    /// Whether the node is a statement in the place of a block. `else if` is one head.
    fn is_body(&self, node: &Node, field: Option<&str>) -> bool {
        let Some(around) = self.frames.last().filter(|around| around.meaning == Meaning::Head) else { return false };
        let is_else_if = around.is_else && node.kind() == "if_statement";
        node.is_named() && !is_else_if && (around.is_else || matches!(field, Some("body" | "consequence")))
    }

    /// Records comments, strings and errors.
    fn text(&mut self, node: &Node, meaning: Meaning) {
        match meaning {
            Meaning::Comment => self.source.comments.push(node.byte_range()),
            Meaning::String => self.open.push(between_quotes(self.text, node.byte_range())),
            Meaning::Text => self.source.strings.push(node.byte_range()),
            Meaning::Inserted => self.inserted(node),
            _ => {}
        }
        // Complete nodes inside an error are understood all the same; its loose tokens aren't.
        let is_in_error = self.frames.last().is_some_and(|around| around.meaning == Meaning::Error);
        if (is_in_error || meaning == Meaning::Error) && node.child_count() == 0 && meaning != Meaning::Comment {
            self.wrong += node.byte_range().len();
        }
    }

    /// Excludes interpolated code from the string around it.
    fn inserted(&mut self, node: &Node) {
        let code = node.child_by_field_name("expression").or_else(|| node.named_child(0));
        let code = code.map_or(node.end_byte()..node.end_byte(), |code| code.byte_range());
        if let Some(string) = self.open.last_mut() {
            self.source.strings.push(string.start..code.start.max(string.start));
            string.start = code.end.max(string.start).min(string.end);
        }
    }

    fn mark(&mut self, at: usize, end: usize, kind: MarkKind) {
        match kind {
            MarkKind::Open => self.nesting += 1,
            MarkKind::Close => self.nesting = self.nesting.saturating_sub(1),
            MarkKind::Cut => {}
        }
        self.source.marks.push(Mark { at, end, kind });
    }

    /// Marks a brace of a block or a semicolon between statements.
    fn punctuation(&mut self, node: &Node) {
        let Some(around) = self.frames.last_mut() else { return };
        let is_block = around.meaning == Meaning::Block || around.meaning == Meaning::Tokens && around.holds_statements;
        if node.kind() == ":" && around.meaning == Meaning::Case {
            around.holds_statements = true;
        }
        let kind = match node.kind() {
            "{" if is_block => MarkKind::Open,
            "}" if is_block => MarkKind::Close,
            ";" if around.holds_statements => MarkKind::Cut,
            _ => return,
        };
        // Macro tokens are split at semicolons only.
        around.holds_statements = around.meaning != Meaning::Block || kind != MarkKind::Close;
        self.mark(node.start_byte(), node.end_byte(), kind);
    }

    /// Returns where the innermost function around the current node begins.
    fn function_start(&self) -> Option<usize> {
        let item = self.source.items.get(self.frames.last()?.item?)?;
        matches!(item.kind, ItemKind::Function | ItemKind::Method).then_some(item.range.start)
    }

    /// Adds the item that a node declares, if any, and returns its index.
    fn item(&mut self, node: &Node, meaning: Meaning) -> Option<usize> {
        let (name, kind) = match meaning {
            Meaning::Function => (self.name(node)?, ItemKind::Function),
            Meaning::Method => (self.name(node)?, ItemKind::Method),
            Meaning::Macro => (self.name(node)?, ItemKind::Macro),
            Meaning::Module => (self.name(node)?, ItemKind::Module),
            Meaning::Class => (self.name(node)?, ItemKind::Class),
            Meaning::Variable if is_function(&node.child_by_field_name("value")?) => {
                (self.name(node)?, ItemKind::Function)
            }
            Meaning::Call if self.frames.last().is_some_and(|around| around.meaning.is_around_calls()) => {
                call(node, self.text)?
            }
            _ => return None,
        };
        let around = self.frames.last();
        let attributes = around.and_then(|around| around.attributes).unwrap_or(node.start_byte());
        let parent = around.and_then(|around| around.item);
        self.source.items.push(Item { kind, name, attributes, range: node.byte_range(), parent });
        Some(self.source.items.len() - 1)
    }

    fn name(&self, node: &Node) -> Option<String> {
        Some(self.text.get(node.child_by_field_name("name")?.byte_range())?.to_owned())
    }

    /// Adds the function whose body these macro tokens are, if any; also tells whether they are statements.
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

/// Returns the range of a literal without its quotes and any prefix or suffix.
pub(super) fn between_quotes(text: &str, range: Range<usize>) -> Range<usize> {
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
