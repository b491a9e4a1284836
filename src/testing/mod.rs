//! What stands behind a patch: which tests to run, and what a run of them says.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything of it, and [`detect_near()`]
//! those of the projects in it that hold what changed.
//! [`reporting()`] says what makes its runner tell of single tests, and [`results()`] reads what it told; [`counts()`]
//! reads only totals, where that is all there is. Tests pass when the command's exit code says so and the runner's own
//! report doesn't say otherwise (law 7).
//!
//! [`compare()`] holds single tests against the [`Baseline`], and [`failures()`] tells the model of those that fail.
//! [`Trials`] run the tests on other states than the run's own. [`unaccounted()`] finds tests that ran before and aren't told of any more.
//! [`shown_by_matrix()`] and [`shown_by_trial()`] tell whether a test shows what the patch mends; [`test_parts()`] are the
//! parts of it that are tests, and [`needed()`] finds those of the others that matter.
//!
//! [`read_results()`] reads what a run of the tests left behind, without secrets.
//!
//! [`filter_of_failed()`] says how a runner is told to repeat only what failed, and [`failed_again()`] whether that confirms it.
//!
//! [`why_failed()`] tells people of a failure: single tests, last lines, and a cause that no edit mends.
//!
//! [`doubt()`] tells before the first request that a command may not even come to its tests.
//!
//! [`environment()`] tells what the tests are run in, and [`KeptResults`] what each said: with these anybody can check a run.

mod asked_for;
mod baseline;
mod cause_table;
mod causes;
mod copies;
mod counts;
mod declared;
mod detect;
mod doubts;
mod environment;
mod feedback;
mod gems;
mod matrix;
mod minimize;
mod near;
mod none_ran;
mod not_started;
mod parse;
mod patching;
mod python;
mod read_results;
mod reasons;
mod repeat_failed;
mod reporting;
mod reproduction;
mod runner_words;
mod runners;
mod surroundings;
mod test_parts;
mod trials;
mod unaccounted;
mod uninstalled;
mod unversioned;
mod verdicts;
mod why;

pub use baseline::{Baseline, BaselineKey, BaselineLock, BaselineRun, Baselines};
pub use causes::{HIDES, Hidden, RunEnd, excused, tells_of_missing};
pub use copies::{Copies, RENAMES, failed_to_rename, tells_of_renaming};
pub use counts::counts;
pub use detect::{Detected, detect};
pub use doubts::{Doubt, doubt};
pub use environment::{command_of, environment};
pub use feedback::{cut, failures};
pub use matrix::{compare, flaky};
pub use minimize::{is_same_check, is_same_run, needed};
pub use near::detect_near;
pub use parse::{RunOutput, results};
pub use patching::patch_of;
pub use read_results::{clean_logs, read_results, with_hidden};
pub use repeat_failed::{failed_again, filter_of_failed};
pub use reporting::reporting;
pub use reproduction::{WithPatch, shown_by_matrix, shown_by_trial};
pub use surroundings::Surroundings;
pub use test_parts::test_parts;
pub use trials::{Session, Trial, TrialError, TrialFolders, TrialOrder, TrialResult, Trials, VerifiedPatch};
pub use unaccounted::unaccounted;
pub use verdicts::{Difference, KeptResults, Verdicts};
pub use why::{ended, why_failed};
