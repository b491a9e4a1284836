//! The tamper guard: what in a patch touches the tests that are to stand behind it.
//!
//! [`inspect()`] reads the files of a patch before and after and says, hunk by hunk, what was done to
//! tests. It executes nothing and knows no result. A flag that weakens refuses a patch by itself; the
//! others are notes, until [`judge()`] sees that a test failed before, passes now, and was edited in
//! between. [`asks_for_tests()`] tells whether the task itself is about changing tests.
//!
//! The guard reads functions, not lines: comments and strings are masked (`mask`), tests found
//! (`units`; from a parse where the language has a grammar, see [`crate::syntax`], else from the text), paired with what they became (`matching`), taken apart (`statements`, `assertions`,
//! `strength`) and compared (`compare`, `functions`). So that a test may be renamed, moved,
//! reformatted or merged with another, as long as all that it asserted is still asserted. In doubt it
//! flags: who is wronged by that says `--allow-test-edits`. Cases stand in `fixtures/tampering`.

mod asks;
mod assertions;
mod calls;
mod change;
mod compare;
mod configuration;
mod extent;
mod functions;
mod inner;
mod inspect;
mod judge;
mod language;
mod lines;
mod mask;
mod matching;
mod names;
mod outside;
mod parsed;
mod pattern;
mod role;
mod shadows;
mod signatures;
mod skips;
mod snapshots;
mod statements;
mod strength;
mod swallow;
mod units;

pub use asks::asks_for_tests;
pub use change::Change;
pub use inner::InnerTests;
pub use inspect::inspect;
pub use judge::judge;
pub use role::{goes_with_tests, is_of_tests};
