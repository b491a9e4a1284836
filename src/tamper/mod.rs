//! The tamper guard: finds what a patch does to the tests that are to verify it.
//!
//! [`inspect()`] reads the files of a patch before and after and flags, hunk by hunk, changes to tests. It executes
//! nothing and knows no test results. A flag that weakens rejects the patch by itself; other flags are notes, unless
//! [`judge()`] sees that a test failed before, passes now, and was edited in between. [`asks_for_tests()`] tells
//! whether the task asks to change tests.
//!
//! The guard compares functions, not lines: it masks comments and strings (`mask`), finds tests (`units`; by a parse
//! where the language has a grammar, see `syntax`, else by the text), pairs them across the patch
//! (`matching`), splits them (`statements`, `assertions`, `strength`), finds what is never run (`unrun`, by the parse
//! alone) and compares them (`compare`, `functions`). A
//! test may be renamed, moved, reformatted or merged with another as long as everything it asserted is still asserted.
//! In doubt the guard flags; a user who disagrees passes `--allow-test-edits`. Cases are in `fixtures/tampering`.

mod assertions;
mod calls;
mod change;
mod compare;
mod configuration;
mod extent;
mod function;
mod functions;
mod inline_tests;
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
mod task_permission;
mod units;
mod unrun;

pub use change::Change;
pub use inline_tests::InnerTests;
pub use inspect::inspect;
pub use judge::judge;
pub use role::{goes_with_tests, is_of_tests};
pub use task_permission::asks_for_tests;
