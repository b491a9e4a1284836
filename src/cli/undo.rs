//! `kcode undo`: restores what the working tree had before a run was applied, all files or none.

use std::path::Path;

use super::arguments::{FitRunArgument, Global};
use super::latest::{self, Purpose};
use super::{kept_runs, output};
use crate::journal::{Applied, Event, Outcome, RunFolder, Undone, recover};
use crate::run::{self, Failure, note, renew_report, reopen};
use crate::text::{counted, sanitise_line};
use crate::workspace::Transaction;

pub(super) fn execute(global: &Global, arguments: &FitRunArgument) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.run.as_deref(), Purpose::Undo)?;
    let report = run::load(&run)?;
    if report.applied.is_none() {
        let hint = "`kcode undo` without a name takes the latest one that is applied";
        return Err(Failure::new(Outcome::Refused, format!("run {} is not applied", run.id()), hint));
    }
    let mut journal = reopen(&run)?;
    let applied = last_applied(&run);
    let transaction = Transaction::undo(&run, Path::new(&report.repository))?;
    let (files, unstaged) = (transaction.files(), transaction.is_recorded());
    note(&mut journal, transaction, Event::Undone(Undone { files }))?;
    renew_report(&run, output::say);
    output::say(&format!("undid run {}: {} put back", run.id(), counted(files as usize, "file")));
    let elsewhere = kept_runs::elsewhere(global, &report);
    let severed = applied.iter().flat_map(|applied| &applied.severed);
    let severed = severed
        .map(|path| format!("{path} stays a file of its own: its other names (hard links) were severed by apply"));
    for told in
        elsewhere.into_iter().chain(severed).chain(applied.iter().flat_map(|applied| left_in_git(applied, unstaged)))
    {
        output::say(&format!("  {}", sanitise_line(&told)));
    }
    output::say(&format!("apply it again with: kcode apply {}", run.id()));
    Ok(Outcome::Verified)
}

/// The last `applied` event of the run.
fn last_applied(run: &RunFolder) -> Option<Applied> {
    let records = recover(&run.journal()).ok()?.records;
    records.into_iter().rev().find_map(|record| match record.event {
        Event::Applied(applied) => Some(applied),
        _ => None,
    })
}

/// What stays in git: files are restored, and unstaged unless HEAD has moved; branches and commits are the user's by
/// now.
fn left_in_git(applied: &Applied, unstaged: bool) -> Vec<String> {
    let commit = applied.commit.as_ref().map(|id| {
        let id = id.get(..12).unwrap_or(id);
        format!("commit {id} stays; what was put back shows in `git status`")
    });
    let branch = applied.branch.as_ref().map(|name| format!("the branch {name} stays"));
    let staged = if unstaged { "unstaged as well" } else { "the index stays as it is" };
    let staged = (applied.staged && commit.is_none()).then(|| staged.to_owned());
    [branch, staged, commit].into_iter().flatten().collect()
}
