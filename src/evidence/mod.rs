//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`counts()`] reads a runner's totals from its output. Both are for the journal and for people;
//! whether tests passed is decided by the command's exit code alone (law 7).
//!
//! The matrix of single tests before and after the patch, the flags for weakened tests and the
//! ranking of flaky ones will live here too, in `matrix.rs` and `tampering.rs`, over the same runs.

mod counts;
mod detect;
mod parse;
mod python;
mod reporting;
mod results;
mod runners;

pub use counts::counts;
pub use detect::{Detected, detect};
pub use parse::{Written, results};
pub use reporting::reporting;
pub use results::{TestCase, TestResults, Verdict};
