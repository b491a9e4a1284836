//! Checks from the journal alone whether a run kept the laws, and shows the result as JSON or as one page for people.
//!
//! `shape` defines the result, `fold` computes it (`rebuilt` recomputes what was sent, `named` finds what calls refer
//! to), and `page` renders it. Whatever can be recomputed isn't trusted: the requests are hashed again from the
//! journal's messages and compared with the hash that was recorded before sending.

mod fold;
mod named;
mod page;
mod rebuilt;
mod shape;

pub use fold::audit;
pub use page::page;
pub use shape::*;
