//! `kcode apply`: a run's patch, written to the working tree, all files or none.

use std::path::Path;

use clap::Args;

use super::arguments::{FitRunArgument, Global};
use super::failure::Failure;
use super::fix::write_report;
use super::latest::{self, Purpose};
use super::{output, runs};
use crate::journal::{Applied, Event, FileJournal, Journal, Outcome, RunFolder, recover};
use crate::report::{self, Report};
use crate::text::{counted, sanitise_line};
use crate::workspace::{self, ApplyError, Blobs, ChangeSet, Merged, RecordError, Transaction, Wanted};

/// See [`Command::Apply`](super::arguments::Command::Apply).
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// Which run.
    #[command(flatten)]
    pub which: FitRunArgument,
    /// Merge the patch into files that changed since the run began; no test has run on the result
    #[arg(long = "3way")]
    pub three_way: bool,
    /// Stage what is applied in git's index, and nothing else
    #[arg(long)]
    pub index: bool,
    /// Make the branch NAME at HEAD and check it out
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Commit what is applied, and nothing else; no hook runs, and nothing is signed
    #[arg(long)]
    pub commit: bool,
}

/// Applies a run that a person names, whatever its evidence: naming it is the decision.
pub fn execute(global: &Global, arguments: &ApplyArguments) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.which.run.as_deref(), Purpose::Apply)?;
    let report = runs::load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    if report.applied.is_some() {
        let hint = format!("take it back with: kcode undo {}", run.id());
        return Err(Failure::new(Outcome::Refused, format!("run {} was applied already", run.id()), hint));
    }
    let mut journal = reopen(&run)?;
    let (root, patch) = (Path::new(&report.repository), changes(&run)?);
    let merged = if arguments.three_way {
        workspace::merge(root, &patch, &Blobs::at(&run.blobs()))?
    } else {
        Merged { changes: patch.clone(), files: Vec::new() }
    };
    let wanted = wanted(arguments, &report, &merged);
    if merged.changes.is_empty() && wanted.is_none() {
        let message = format!("your tree has all of run {} already", run.id());
        return Err(Failure::new(Outcome::NoChange, message, "nothing is left to do"));
    }
    let recording = wanted.as_ref().map(|wanted| (wanted, &patch));
    let applied = carry_out(&run, root, &mut journal, merged, recording);
    renew_report(&run);
    say_applied(&report, &applied?, runs::elsewhere(global, &report));
    Ok(Outcome::Verified)
}

fn wanted(arguments: &ApplyArguments, report: &Report, merged: &Merged) -> Option<Wanted> {
    let wanted = Wanted {
        index: arguments.index || arguments.commit,
        branch: arguments.branch.clone(),
        commit: arguments.commit.then(|| report::commit_message(report, &merged.files)),
    };
    (wanted != Wanted::default()).then_some(wanted)
}

fn say_applied(report: &Report, applied: &Applied, elsewhere: Option<String>) {
    let run = &report.run;
    output::say(&format!("applied run {run}: {}", counted(applied.files as usize, "file")));
    if report.outcome != Outcome::Verified {
        output::say(&format!("  not verified: the run ended as {}", report.outcome.words()));
    }
    for path in &applied.merged {
        output::say(&format!("  merged with your changes, not tested: {}", sanitise_line(path.as_str())));
    }
    say_severed(applied);
    let branch = applied.branch.as_ref().map(|name| format!("on the new branch {name}"));
    let commit = applied.commit.as_ref().map(|id| format!("committed as {}", id.get(..12).unwrap_or(id)));
    let staged = (applied.staged && commit.is_none()).then(|| "staged".to_owned());
    for told in [elsewhere, branch, staged, commit].into_iter().flatten() {
        output::say(&format!("  {}", sanitise_line(&told)));
    }
    output::say(&format!("take it back with: kcode undo {run}"));
}

/// Files are replaced as a whole, so that nothing outside of the tree changes with them.
fn say_severed(applied: &Applied) {
    for path in &applied.severed {
        let path = sanitise_line(path.as_str());
        output::say(&format!(
            "  {path} had other names (hard links), which keep the old content and are files of their own now"
        ));
    }
}

/// Writes the change set of `run` to the tree at `root`, exactly, and notes it.
///
/// # Errors
/// When a touched file is no longer what it was, and when something can't be read or written: nothing is written then.
pub fn apply(run: &RunFolder, root: &Path, journal: &mut dyn Journal) -> Result<Applied, Failure> {
    apply_changes(run, root, &changes(run)?, journal)
}

/// The same with a part of it, whose contents are in the blobs of `run`.
///
/// # Errors
/// As above.
pub fn apply_changes(
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
    say_severed(&applied);
    Ok(applied)
}

/// `recording` is what git is to be told, and of which patch.
fn carry_out(
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
pub fn note(journal: &mut dyn Journal, transaction: Transaction, event: Event) -> Result<(), Failure> {
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
    ChangeSet::load(&path).map_err(|error| runs::unreadable(&path, &error))
}

/// The journal of a run that has ended, to note what becomes of its patch.
pub fn reopen(run: &RunFolder) -> Result<FileJournal, Failure> {
    let recovered = recover(&run.journal())?;
    Ok(FileJournal::reopen(&run.journal(), &recovered)?)
}

/// The report is a fold over the journal, and what is done is done: a report that can't be written is only told.
pub fn renew_report(run: &RunFolder) {
    if let Err(failure) = runs::load(run).and_then(|report| write_report(run, &report)) {
        output::say(&failure.to_string());
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
