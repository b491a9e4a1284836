//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`counts()`] reads a runner's totals from its output. Both are for the journal and for people;
//! whether tests passed is decided by the command's exit code alone (law 7).
//!
//! [`inspect()`] flags what in a patch touches the tests, and [`judge()`] says which of that refuses it.
//!
//! The matrix of single tests before and after the patch and the ranking of flaky ones will live
//! here too, in `matrix.rs`, over the same runs.

mod counts;
mod detect;
mod python;
mod results;
mod runners;
mod tampering;

pub use counts::counts;
pub use detect::{Detected, detect};
pub use results::{TestCase, TestResults, Verdict};
pub use tampering::{Change, asks_for_tests, inspect, judge};
