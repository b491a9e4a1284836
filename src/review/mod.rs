//! A patch before a person: hunk by hunk accepted, rejected, split, rewritten, searched, and asked where it comes from.
//!
//! All of it is pure: keys go in, a [`Screen`] comes out, and what a terminal, an editor or the tests have to do is an
//! [`Effect`] for the command line to see to. Everything on a screen was made visible: nothing in it drives a terminal
//! (law 9), and secrets are out of it.
//!
//! | File | What it is about |
//! |---|---|
//! | [`material`](Material) | what is reviewed: files, evidence, the model's edits |
//! | `hunk` | what is decided about: parts of one file that stand close together |
//! | `origin` | which edit of the model made a hunk, and what it said then |
//! | [`session`](Review) | where the person is and what was decided so far |
//! | `search` | the next hunk with a text in it |
//! | `keys` | what a key does, and the help that says so |
//! | `pages`, `diff`, `row` | what is on the screen |
//! | `syntax` | which words of a file are keywords, literals, comments |
//! | `verdict` | the decisions as a change set, and as an event |

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

pub use hunk::{HunkDecided, ReviewedHunk};
pub use keys::{Action, KeyPress, action};
pub use material::{Given, Material};
pub use row::{CodeWord, DiffRow, Screen, Size, TextSpan, Tone};
pub use session::{Effect, HOW_TO_APPLY, Review, ReviewPage};
pub use verdict::recalled;
