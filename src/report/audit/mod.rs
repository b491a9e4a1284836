//! Whether a run kept the laws, as its journal alone tells: one page for people, the same as JSON.
//!
//! `shape` is what is told, `fold` finds it out (`rebuilt` what was sent, `named` what calls were about), `page` draws it. Nothing is taken on trust that can be computed: what went
//! out is hashed anew from the messages that the journal holds, and held against the hash that was noted before sending.

mod fold;
mod named;
mod page;
mod rebuilt;
mod shape;

pub use fold::audit;
pub use page::page;
pub use shape::*;
