//! `kcode apply` and `kcode undo`: a run's patch, written to the working tree and taken back, all files or none.

use std::path::Path;

use anyhow::Context;

use super::arguments::{ApplyArguments, Global, RunArgument};
use super::failure::Failure;
use super::fix::write_report;
use super::{output, runs};
use crate::journal::{Applied, Event, FileJournal, Journal, Outcome, RelPath, RunFolder, Undone, recover};
use crate::render::{counted, sanitise};
use crate::report;
use crate::workspace::{self, ApplyError, Blobs, ChangeSet, Doing, Merged, RecordError, Settled, Transaction, Wanted};

/// Applies a run that a person names, whatever its evidence: naming it is the decision.
pub fn execute(global: &Global, arguments: &ApplyArguments) -> Result<Outcome, Failure> {
    let run = runs::find(global, &arguments.which)?;
    let report = runs::load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    if report.applied.is_some() {
        let hint = format!("take it back with: kcode undo {}", run.id());
        return Err(Failure::new(Outcome::Refused, format!("run {} was applied already", run.id()), hint));
    }
    let mut journal = reopen(&run)?;
    let root = Path::new(&report.repository);
    let merged = if arguments.three_way {
        workspace::merge(root, &changes(&run)?, &Blobs::at(&run.blobs()))?
    } else {
        Merged { changes: changes(&run)?, files: Vec::new() }
    };
    let wanted = Wanted {
        index: arguments.index || arguments.commit,
        branch: arguments.branch.clone(),
        commit: arguments.commit.then(|| report::commit_message(&report, &merged.files)),
    };
    let applied = carry_out(&run, root, &mut journal, merged, &wanted);
    renew_report(&run);
    say_applied(&run, &applied?);
    Ok(Outcome::Verified)
}

fn say_applied(run: &RunFolder, applied: &Applied) {
    output::say(&format!("applied run {}: {}", run.id(), counted(applied.files as usize, "file")));
    for path in &applied.merged {
        output::say(&format!("  merged with your changes, not tested: {}", sanitise(path.as_str())));
    }
    let branch = applied.branch.as_ref().map(|name| format!("on the new branch {name}"));
    let commit = applied.commit.as_ref().map(|id| format!("committed as {}", id.get(..12).unwrap_or(id)));
    let staged = (applied.staged && commit.is_none()).then(|| "staged".to_owned());
    for told in [branch, staged, commit].into_iter().flatten() {
        output::say(&format!("  {}", sanitise(&told)));
    }
    output::say(&format!("take it back with: kcode undo {}", run.id()));
}

/// Puts back what stood there before a run was applied.
pub fn undo(global: &Global, arguments: &RunArgument) -> Result<Outcome, Failure> {
    let run = runs::find(global, arguments)?;
    let report = runs::load(&run)?;
    if report.applied.is_none() {
        let hint = "`kcode runs` says which runs are applied";
        return Err(Failure::new(Outcome::Refused, format!("run {} is not applied", run.id()), hint));
    }
    let mut journal = reopen(&run)?;
    let transaction = Transaction::undo(&run, Path::new(&report.repository))?;
    let files = transaction.files();
    note(&mut journal, transaction, Event::Undone(Undone { files }))?;
    renew_report(&run);
    output::say(&format!("undid run {}: {} put back", run.id(), counted(files as usize, "file")));
    output::say(&format!("apply it again with: kcode apply {}", run.id()));
    Ok(Outcome::Verified)
}

/// Writes the change set of `run` to the tree at `root`, exactly, and notes it.
pub fn apply(run: &RunFolder, root: &Path, journal: &mut dyn Journal) -> Result<Applied, Failure> {
    carry_out(run, root, journal, Merged { changes: changes(run)?, files: Vec::new() }, &Wanted::default())
}

fn carry_out(
    run: &RunFolder,
    root: &Path,
    journal: &mut dyn Journal,
    merged: Merged,
    wanted: &Wanted,
) -> Result<Applied, Failure> {
    let transaction = Transaction::apply(run, root, &merged.changes, wanted)?;
    let applied = Applied {
        files: transaction.files(),
        merged: merged.files,
        staged: wanted.index,
        branch: wanted.branch.clone(),
        commit: transaction.commit().map(str::to_owned),
    };
    note(journal, transaction, Event::Applied(applied.clone()))?;
    Ok(applied)
}

/// Makes it so, or takes it back: what the journal doesn't know of must not be.
fn note(journal: &mut dyn Journal, transaction: Transaction, event: Event) -> Result<(), Failure> {
    if let Err(unnoted) = journal.conclude(vec![event]) {
        transaction.take_back()?;
        return Err(unnoted.into());
    }
    transaction.keep().map_err(|untold| {
        let message = format!("the files are written, but {untold}");
        Failure::new(Outcome::Refused, message, "stage or commit them with git, or take them back with kcode undo")
    })
}

fn changes(run: &RunFolder) -> Result<ChangeSet, Failure> {
    let path = run.changes();
    Ok(ChangeSet::load(&path).with_context(|| format!("{} can't be read", path.display()))?)
}

fn reopen(run: &RunFolder) -> Result<FileJournal, Failure> {
    let recovered = recover(&run.journal()).map_err(anyhow::Error::from)?;
    Ok(FileJournal::reopen(&run.journal(), &recovered)?)
}

/// The report is a fold over the journal, and what is done is done: a report that can't be written is only told.
fn renew_report(run: &RunFolder) {
    if let Err(failure) = runs::load(run).and_then(|report| write_report(run, &report)) {
        output::say(&failure.to_string());
    }
}

/// Puts right what a killed kcode left in a tree, and says so.
pub fn settle(state: &Path) {
    for settled in workspace::settle(state) {
        output::say(&told(&settled));
    }
}

fn told(settled: &Settled) -> String {
    let Settled { run, doing, finished, theirs, stuck, untold } = settled;
    let (verb, done) = match doing {
        Doing::Apply => ("applying", "applied"),
        Doing::Undo => ("undoing", "undone"),
    };
    let named = |files: &[RelPath]| files.iter().map(RelPath::as_str).collect::<Vec<_>>().join(", ");
    let end = match (finished, &theirs[..], &stuck[..]) {
        (true, ..) => {
            let untold = untold.as_ref().map_or_else(String::new, |why| format!(", but {why}"));
            format!("; it is {done}{untold}")
        }
        (false, [], []) => "; your tree is as it was before".to_owned(),
        (false, files, []) => {
            let files = named(files);
            format!("; your tree is as it was before, but for files that changed meanwhile: {files}")
        }
        (false, _, stuck) => format!(", and these files can't be put back yet: {}", stuck.join(", ")),
    };
    sanitise(&format!("{verb} run {run} was cut short{end}")).into_owned()
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
