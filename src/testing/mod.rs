//! Finds the tests to run, reads their results, and compares them across a patch.
//!
//! [`detect()`] finds the test command that a repository implies, without executing anything, and [`detect_near()`]
//! those of the projects that contain the changed files. [`reporting()`] makes a runner report single tests, and
//! [`results()`] reads the reports; [`counts()`] reads totals where there is nothing else. [`read_results()`] reads the
//! results of a run with secrets removed. Tests pass if the command's exit code says so and the runner's report doesn't
//! contradict it.
//!
//! [`compare()`] compares results with the [`Baseline`], [`unaccounted()`] finds tests that ran before and are no
//! longer reported, and [`failures()`] describes failures to the model. [`filter_of_failed()`] makes a runner repeat
//! only failed tests, and [`failed_again()`] tells whether that confirms the failures.
//!
//! [`Trials`] run the tests on other states of the tree. [`shown_by_matrix()`] and [`shown_by_trial()`] tell whether a
//! test demonstrates the fix, [`test_parts()`] are the parts of a patch that are tests, and [`needed()`] finds which of
//! the other parts matter.
//!
//! [`why_failed()`] explains a failure to the user, with causes that no edit can fix. [`doubt()`] predicts before the
//! first request that a command may fail before its tests. [`environment()`] and [`KeptResults`] record what is needed
//! to check a run later.

mod asked_for;
mod baseline;
mod cause_table;
mod causes;
mod copies;
mod counts;
mod declared;
mod detect;
mod early_failures;
mod environment;
mod feedback;
mod gems;
mod matrix;
mod minimize;
mod nearby_projects;
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
pub use early_failures::{Doubt, doubt};
pub use environment::{command_of, environment};
pub use feedback::{cut, failures};
pub use matrix::{compare, flaky};
pub use minimize::{is_same_check, is_same_run, needed};
pub use nearby_projects::detect_near;
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
