//! `kcode apply`: a run's patch, written to the working tree: all files or none.

use anyhow::Context;

use super::arguments::{Global, RunArgument};
use super::failure::Failure;
use super::{output, runs};
use crate::journal::{Event, FileJournal, Journal, Outcome, RunFolder, recover};
use crate::render::counted;
use crate::workspace::{self, ApplyError, Blobs, ChangeSet};

/// Applies a run that a person names, whatever its evidence: naming it is the decision.
pub fn execute(global: &Global, arguments: &RunArgument) -> Result<Outcome, Failure> {
    let run = runs::find(global, arguments)?;
    let report = runs::load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    if report.applied.is_some() {
        return Err(Failure::new(
            Outcome::Refused,
            format!("run {} was applied already", run.id()),
            "nothing is left to do",
        ));
    }
    let recovered = recover(&run.journal()).map_err(anyhow::Error::from)?;
    let mut journal = FileJournal::reopen(&run.journal(), &recovered)?;
    let files = apply(&run, std::path::Path::new(&report.repository), &mut journal)?;
    output::say(&format!("applied run {}: {}", run.id(), counted(files as usize, "file")));
    Ok(Outcome::Verified)
}

/// Writes the change set of `run` to the tree at `root` and notes it.
pub fn apply(run: &RunFolder, root: &std::path::Path, journal: &mut dyn Journal) -> Result<u64, Failure> {
    let changes = run.changes();
    let changes = ChangeSet::load(&changes).with_context(|| format!("{} can't be read", changes.display()))?;
    apply_changes(run, root, &changes, journal)
}

/// The same with what a review accepted of it.
pub fn apply_changes(
    run: &RunFolder,
    root: &std::path::Path,
    changes: &ChangeSet,
    journal: &mut dyn Journal,
) -> Result<u64, Failure> {
    let applied = workspace::apply(root, changes, &Blobs::at(&run.blobs()))?;
    let files = applied.files;
    // The tree is written by now: what was set aside for the end makes sure that the journal knows.
    journal.conclude(vec![Event::Applied(applied)])?;
    Ok(files)
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        Self::new(error.outcome(), error.to_string(), error.hint())
    }
}
