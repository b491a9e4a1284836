//! Interactive review of a patch: hunks are accepted, rejected, split, rewritten, searched, and traced to the model's
//! edits.
//!
//! Everything here is pure: keys go in, a screen (`row::Screen`) comes out, and what a terminal, an editor or tests have to do is
//! returned as an [`Effect`] for the command line. Control characters in text on the screen are made visible (law 9),
//! and secrets are removed.
//!
//! | File | What it does |
//! |---|---|
//! | [`material`](Material) | what is reviewed: files, evidence, the model's edits |
//! | `hunk` | the unit of decisions: nearby changes of one file |
//! | `origin` | which edit of the model made a hunk, and what the model wrote then |
//! | [`session`](Review) | the position in the review, and the decisions so far |
//! | `search` | the next hunk that contains a text |
//! | `keys` | key bindings and their help |
//! | `pages`, `diff`, `row` | what is on the screen |
//! | `syntax` | which words of a file are keywords, literals, comments |
//! | `verdict` | the decisions as a change set and as an event |

mod diff;
mod hunk;
mod keys;
mod material;
mod origin;
mod pages;
mod row;
mod search;
mod session;
mod syntax;
mod verdict;

pub(crate) use keys::{Action, KeyPress, action};
pub(crate) use material::{Given, Material};
pub(crate) use row::{CodeWord, DiffRow, Size, TextSpan, Tone};
pub(crate) use session::{Effect, HOW_TO_APPLY, Review, ReviewPage};
pub(crate) use verdict::recalled;
