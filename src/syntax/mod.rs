//! Source code parsed with tree-sitter: finds comments, strings, functions, statements and code that nothing runs.
//!
//! [`Grammar::of`] chooses the grammar of a file, and [`parse()`] reads a text into a [`Source`]: byte ranges and
//! names, no nodes, so that callers needn't know the grammars. Input is hostile: a parse is bounded in bytes and steps,
//! the tree is walked without recursion, and a text that is mostly errors gives [`parse::UnparsedReason`] instead of a guess.
//! Nothing is parsed until a caller asks.

mod calls;
mod deferred;
mod grammar;
mod kinds;
mod parse;
mod source;
mod tokens;
mod walk;

pub(crate) use deferred::{Deferred, Fate};
pub(crate) use grammar::Grammar;
pub(crate) use parse::parse;
pub(crate) use source::{Item, ItemKind, Source, Statement};

#[cfg(test)]
mod tests;
