//! A run's changes, written to the user's tree: all files or none, and noted.

use std::path::Path;

use super::failure::Failure;
use super::stored_run::{load, unreadable, write_report};
use crate::journal::{Applied, Event, FileJournal, Journal, Outcome, RunFolder, recover};
use crate::workspace::{ApplyError, ChangeSet, Merged, RecordError, Transaction, Wanted};

/// Writes the change set of `run` to the tree at `root`, exactly, and notes it.
///
/// # Errors
/// When a touched file is no longer what it was, and when something can't be read or written: nothing is written then.
pub(super) fn apply(run: &RunFolder, root: &Path, journal: &mut dyn Journal) -> Result<Applied, Failure> {
    apply_changes(run, root, &changes(run)?, journal)
}

/// The same with a part of it, whose contents are in the blobs of `run`.
///
/// # Errors
/// As above.
pub(crate) fn apply_changes(
    run: &RunFolder,
    root: &Path,
    changes: &ChangeSet,
    journal: &mut dyn Journal,
) -> Result<Applied, Failure> {
    let partial = *changes != self::changes(run)?;
    let transaction = Transaction::recorded(run, root, changes, None)?;
    let (files, severed) = (transaction.files(), transaction.severed());
    let applied = Applied { files, severed, partial, ..Applied::default() };
    note(journal, transaction, Event::Applied(applied.clone()))?;
    Ok(applied)
}

/// Writes `merged` to the tree at `root`. `recording` is what git is to be told, and of which patch.
pub(crate) fn carry_out(
    run: &RunFolder,
    root: &Path,
    journal: &mut dyn Journal,
    merged: Merged,
    recording: Option<(&Wanted, &ChangeSet)>,
) -> Result<Applied, Failure> {
    let transaction = Transaction::recorded(run, root, &merged.changes, recording)?;
    let wanted = recording.map(|(wanted, _)| wanted.clone()).unwrap_or_default();
    let applied = Applied {
        files: transaction.files(),
        merged: merged.files,
        severed: transaction.severed(),
        partial: false,
        staged: wanted.index,
        branch: wanted.branch,
        commit: transaction.commit().map(str::to_owned),
    };
    note(journal, transaction, Event::Applied(applied.clone()))?;
    Ok(applied)
}

/// Makes it so, or takes it back: what the journal doesn't know of must not be.
pub(crate) fn note(journal: &mut dyn Journal, transaction: Transaction, event: Event) -> Result<(), Failure> {
    if let Err(unnoted) = journal.conclude(vec![event]) {
        transaction.take_back()?;
        return Err(unnoted.into());
    }
    transaction.keep().map_err(|untold| {
        let message = format!("the files are written, but {untold}");
        Failure::new(Outcome::Refused, message, "stage or commit them with git, or take them back with kcode undo")
    })
}

/// The changes of a run that is kept.
///
/// # Errors
/// When they can't be read.
pub(crate) fn changes(run: &RunFolder) -> Result<ChangeSet, Failure> {
    let path = run.changes();
    ChangeSet::load(&path).map_err(|error| unreadable(&path, &error))
}

/// The journal of a run that has ended, to note what becomes of its patch.
pub(crate) fn reopen(run: &RunFolder) -> Result<FileJournal, Failure> {
    let recovered = recover(&run.journal())?;
    Ok(FileJournal::reopen(&run.journal(), &recovered)?)
}

/// Folds the report of `run` anew from its journal. What is done is done: a report that can't be written is only told, with `say`.
pub(crate) fn renew_report(run: &RunFolder, say: fn(&str)) {
    if let Err(failure) = load(run).and_then(|report| write_report(run, &report)) {
        say(&failure.to_string());
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let failure = Self::new(error.outcome(), error.to_string(), error.hint());
        let (ApplyError::Conflicts(files) | ApplyError::Record(RecordError::Conflicts(files))) = error else {
            return failure;
        };
        files.into_iter().fold(failure, |failure, file| failure.fact("file", format!("{}: {}", file.path, file.why)))
    }
}
