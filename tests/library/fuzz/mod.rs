//! Every parser that reads what somebody else wrote, on what nobody meant it for: recorded input that was damaged, and
//! raw bytes.
//!
//! One file a kind of input. None may panic, and each property says what holds besides. `PROPTEST_CASES` says how many
//! cases a property gets (`docs/security.md` tells how to run them for an hour). What was found once stands as an
//! ordinary test next to its property.

mod damage;

mod edits;
mod exchange;
mod journals;
mod output;
mod patches;
mod reports;
mod settings;
mod tools;
