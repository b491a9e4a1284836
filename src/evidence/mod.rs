//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`counts()`] reads a runner's totals from its output. Both are for the journal and for people;
//! whether tests passed is decided by the command's exit code alone (law 7).
//!
//! [`reporting()`] has the runner write down single tests, [`results()`] reads them, [`compare()`] holds them against
//! the [`Baseline`], and [`failures()`] tells the model. [`Trials`] run the tests on other states than the run's own.
//! [`inspect()`] flags what in a patch touches the tests, and [`judge()`] says which of that refuses it.

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
mod tampering;
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
pub use tampering::{Change, asks_for_tests, inspect, judge};
pub use trials::{TrialError, Trials};
