//! Runs the checks and the tests in a sandbox and a view of their own, until the user interrupts.

use crate::cli::output;
use crate::run::rerun::{Reran, Rerun, trial_failure};
use crate::run::{self, Failure, Interrupts};
use crate::testing::{RENAMES, TrialError};
use crate::text::sanitise_line;
use crate::workspace::ChangeSet;

/// Name of the trial, and of its log folder.
const NAME: &str = "view";

/// Runs everything on the tree with `changes`.
///
/// # Errors
/// When there can't be a view or a worker, and when the user interrupts.
pub(super) fn hold(rerun: &Rerun<'_>, changes: &ChangeSet) -> Result<Reran, Failure> {
    let (trials, notes) = rerun.trials();
    for note in &notes {
        output::say(&sanitise_line(note));
    }
    let held = run::on_a_runtime(async {
        let Interrupts { asked, mut insisted } = Interrupts::listen()?;
        tokio::select! {
            held = rerun.hold(&trials, NAME, changes, asked) => held,
            _ = insisted.wait_for(|insisted| *insisted) => Err(trial_failure(&TrialError::CalledOff, rerun.redactor)),
        }
    });
    if held.is_ok() && trials.copies.are_needed() {
        output::say(&format!("tested in a copy of the tree: {RENAMES}"));
    }
    held
}
