//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`reporting()`] says what makes its runner tell of single tests, and [`results()`] reads what it told; [`counts()`]
//! reads only totals, where that is all there is. Whether tests passed is decided by the command's exit code alone (law 7).
//!
//! The matrix of single tests before and after the patch, the flags for weakened tests and the
//! ranking of flaky ones will live here too, in `matrix.rs` and `tampering.rs`, over the same runs.

mod counts;
mod detect;
mod parse;
mod python;
mod reporting;
mod results;
mod runner_words;
mod runners;

pub use counts::counts;
pub use detect::{Detected, detect, detect_near};
pub use parse::{Written, results};
pub use reporting::reporting;
pub use results::{TestCase, TestResults, Verdict};
