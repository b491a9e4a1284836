//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`counts()`] reads a runner's totals from its output. Both are for the journal and for people;
//! whether tests passed is decided by the command's exit code alone (law 7).
//!
//! [`reporting()`] has the runner write down single tests, [`results()`] reads them, [`compare()`] holds them against
//! the [`Baseline`], and [`failures()`] tells the model. [`Trials`] run the tests on other states than the run's own.

mod baseline;
mod counts;
mod detect;
mod feedback;
mod matrix;
mod minimize;
mod parse;
mod python;
mod reporting;
mod results;
mod runners;
mod trials;

pub use baseline::{Baseline, BaselineRun, Baselines, Key};
pub use counts::counts;
pub use detect::{Detected, detect};
pub use feedback::failures;
pub use matrix::{compare, flaky};
pub use minimize::needed;
pub use parse::{Written, results};
pub use reporting::reporting;
pub use results::{TestCase, TestResults, Verdict};
pub use trials::{TrialError, Trials};
