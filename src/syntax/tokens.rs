//! What can be told of the tokens between a macro's brackets: functions and blocks, by the shape that they have everywhere.
//!
//! `proptest! { #[test] fn adds(a in 0..9) { … } }` is no Rust that a grammar knows, but there is a test in it.

use std::ops::Range;

use tree_sitter::Node;

/// What stood before a token, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct TokenContext {
    attributes: Option<usize>,
    signature: Option<usize>,
    awaits_name: bool,
    name: Option<Range<usize>>,
    /// The token before is a name, behind which a brace opens a literal.
    follows_name: bool,
}

/// A function whose body comes next.
pub(super) struct Signature {
    pub name: Range<usize>,
    pub attributes: usize,
    pub start: usize,
}

/// Words before `fn`.
const MODIFIERS: [&str; 8] = ["pub", "const", "async", "unsafe", "extern", "crate", "fn", "string_literal"];
/// Words behind which a brace opens a block.
const BLOCK_WORDS: [&str; 7] = ["else", "move", "async", "unsafe", "loop", "try", "do"];

impl TokenContext {
    /// Takes note of the next token.
    pub fn see(&mut self, node: &Node, text: &str) {
        let kind = node.kind();
        let word = text.get(node.byte_range()).unwrap_or_default();
        let is_name = kind == "identifier";
        if self.name.is_some() {
            // Parameters, a result, bounds; the body or a semicolon ends them.
            if kind == ";" || word.starts_with('{') {
                self.reset();
            }
        } else if self.awaits_name && is_name {
            self.name = Some(node.byte_range());
        } else if kind == "#" {
            self.attributes.get_or_insert(node.start_byte());
        } else if MODIFIERS.contains(&kind)
            || MODIFIERS.contains(&word)
            || self.signature.is_some() && word.starts_with('(')
        {
            self.signature.get_or_insert(node.start_byte());
            self.awaits_name = word == "fn";
        } else if !(word.starts_with('[') && self.attributes.is_some()) {
            self.reset();
        }
        self.follows_name = is_name && !BLOCK_WORDS.contains(&word) || kind == ">" || kind == "primitive_type";
    }

    fn reset(&mut self) {
        *self = Self { follows_name: self.follows_name, ..Self::default() };
    }

    /// The function whose body `braces` are.
    pub fn signature(&self, braces: &str) -> Option<Signature> {
        let name = self.name.clone().filter(|_| braces.starts_with('{'))?;
        let start = self.signature.unwrap_or(name.start);
        Some(Signature { attributes: self.attributes.unwrap_or(start), start, name })
    }

    /// Whether braces here are a block's, not a literal's.
    pub fn opens_block(&self, braces: &Node) -> bool {
        !self.follows_name || self.name.is_some() || has_statements(braces)
    }
}

/// No literal holds these.
fn has_statements(braces: &Node) -> bool {
    braces.children(&mut braces.walk()).any(|child| [";", "!", "=>"].contains(&child.kind()))
}
