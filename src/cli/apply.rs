//! `kcode apply`: writes a run's patch to the working tree, all files or none.

use std::path::Path;

use clap::Args;

use super::arguments::{FitRunArgument, Global};
use super::latest::{self, Purpose};
use super::{hard_links, kept_runs, output};
use crate::journal::{Applied, Outcome};
use crate::report::{self, Report};
use crate::run::{Failure, carry_out, changes, load, renew_report, reopen};
use crate::text::{counted, sanitise_line};
use crate::workspace::{self, Blobs, Merged, Wanted};

/// See [`Command::Apply`](super::command_line::Command::Apply).
#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
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

/// Applies the run that the user names, whatever its evidence: naming it is the decision.
pub(super) fn execute(global: &Global, arguments: &ApplyArguments) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.which.run.as_deref(), Purpose::Apply)?;
    let report = load(&run)?;
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
    renew_report(&run, output::say);
    say_applied(&report, &applied?, kept_runs::elsewhere(global, &report));
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
    hard_links::tell(applied);
    let branch = applied.branch.as_ref().map(|name| format!("on the new branch {name}"));
    let commit = applied.commit.as_ref().map(|id| format!("committed as {}", id.get(..12).unwrap_or(id)));
    let staged = (applied.staged && commit.is_none()).then(|| "staged".to_owned());
    for told in [elsewhere, branch, staged, commit].into_iter().flatten() {
        output::say(&format!("  {}", sanitise_line(&told)));
    }
    output::say(&format!("take it back with: kcode undo {run}"));
}
