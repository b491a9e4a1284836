//! Source code read by the field's own parsers: what in it is a comment, a string, a function, a statement.
//!
//! [`Grammar::of`] tells whether a file's language has a grammar here, and [`parse()`] reads a text by it into a
//! [`Source`]: byte ranges and names, no nodes, so that who asks knows nothing of grammars. The grammars are tree-sitter's.
//! Text is hostile: a parse has a bounded size and a bounded number of steps, the tree is walked without recursion, and
//! what is mostly errors is [`UnparsedReason`] rather than half understood. Nothing is parsed before somebody asks.

mod calls;
mod grammar;
mod kinds;
mod source;
mod tokens;
mod walk;

pub use grammar::{Grammar, UnparsedReason, parse};
pub use source::{Item, ItemKind, Source, Statement};

#[cfg(test)]
mod tests;
