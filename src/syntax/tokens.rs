//! Finds functions and blocks among the tokens of a macro call, by their shape.
//!
//! The grammar can't parse `proptest! { #[test] fn adds(a in 0..9) { … } }`, but it contains a test.

use std::ops::Range;

use tree_sitter::Node;

/// The relevant tokens before the current one.
#[derive(Debug, Default)]
pub(super) struct TokenContext {
    attributes: Option<usize>,
    signature: Option<usize>,
    awaits_name: bool,
    name: Option<Range<usize>>,
    /// The previous token is a name, so that an opening brace begins a struct literal.
    follows_name: bool,
}

/// A function whose body is next.
pub(super) struct Signature {
    pub name: Range<usize>,
    pub attributes: usize,
    pub start: usize,
}

/// Tokens that may precede `fn`.
const MODIFIERS: [&str; 8] = ["pub", "const", "async", "unsafe", "extern", "crate", "fn", "string_literal"];
/// Words after which a brace opens a block.
const BLOCK_WORDS: [&str; 7] = ["else", "move", "async", "unsafe", "loop", "try", "do"];

impl TokenContext {
    /// Records the next token.
    pub(super) fn see(&mut self, node: &Node, text: &str) {
        let kind = node.kind();
        let word = text.get(node.byte_range()).unwrap_or_default();
        let is_name = kind == "identifier";
        if self.name.is_some() {
            // Parameters, return type and bounds; the body or a semicolon ends them.
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

    /// Returns the function whose body is `braces`.
    pub(super) fn signature(&self, braces: &str) -> Option<Signature> {
        let name = self.name.clone().filter(|_| braces.starts_with('{'))?;
        let start = self.signature.unwrap_or(name.start);
        Some(Signature { attributes: self.attributes.unwrap_or(start), start, name })
    }

    /// Whether the braces at this place belong to a block rather than to a literal.
    pub(super) fn opens_block(&self, braces: &Node) -> bool {
        !self.follows_name || self.name.is_some() || has_statements(braces)
    }
}

/// Whether the braces hold a token that no literal contains.
fn has_statements(braces: &Node) -> bool {
    braces.children(&mut braces.walk()).any(|child| [";", "!", "=>"].contains(&child.kind()))
}
