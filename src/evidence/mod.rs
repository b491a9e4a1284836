//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it.
//! [`reporting()`] says what makes its runner tell of single tests, and [`results()`] reads what it told; [`counts()`]
//! reads only totals, where that is all there is. Tests pass when the command's exit code says so and the runner's own
//! report doesn't say otherwise (law 7).
//!
//! [`compare()`] holds single tests against the [`Baseline`], and [`failures()`] tells the model of those that fail.
//! [`Trials`] run the tests on other states than the run's own. [`inspect()`] flags what in a patch touches the tests, and
//! [`judge()`] says which of that refuses it; [`unaccounted()`] finds tests that ran before and aren't told of any more. [`needed()`] finds the parts of a patch that matter.

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
mod runner_words;
mod runners;
mod tampering;
mod trials;
mod unaccounted;

pub use baseline::{Baseline, BaselineRun, Baselines, Key};
pub use counts::counts;
pub use detect::{Detected, detect, detect_near};
pub use feedback::failures;
pub use matrix::{compare, flaky};
pub use minimize::needed;
pub use parse::{Written, results};
pub use reporting::reporting;
pub use results::{TestCase, TestResults, Verdict};
pub use tampering::{Change, asks_for_tests, inspect, is_of_tests, judge};
pub use trials::{TrialError, Trials};
pub use unaccounted::unaccounted;
