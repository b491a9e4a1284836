//! `kcode fix --resume RUN "more"`: a further task with all that the model knows by now.
//!
//! It is a run of its own, with a budget, a report, a patch and an undo of its own; what it has in common with the one before is the
//! conversation, byte for byte and under the same cache key, and changes that aren't in the user's tree yet.

use std::path::Path;

use super::carried::Carried;
use super::flags::FixArguments;
use super::inherited::Inherited;
use super::kept_flags;
use super::order::Order;
use super::past::{changes_of, is_of_this_version};
use super::sweep;
use super::unanswered::messages;
use crate::cli::arguments::{Global, RunArgument};
use crate::cli::failure::Failure;
use crate::cli::runs;
use crate::context::{self, Standing};
use crate::journal::{Event, JournalError, Outcome, RunFolder, is_abandoned, recover};
use crate::settings::{self, Environment};
use crate::workspace::{ApplyError, ChangeSet, Repository, still_applies};

/// Runs `task` as what follows run `which`. What its flags asked for is kept; limits are this run's own.
pub fn execute(global: &Global, arguments: &FixArguments, which: &str, task: String) -> Result<Outcome, Failure> {
    let folder = runs::find(global, &RunArgument { run: Some(which.to_owned()) })?;
    sweep::clear(&folder);
    let recovered = recover(&folder.journal())?;
    let events = || recovered.records.iter().map(|record| &record.event);
    let Some(Event::RunStarted(before)) = events().next().filter(|_| messages(events()).any(|m| m.role == "user"))
    else {
        let message = format!("run {} was ended before its conversation had begun", folder.id());
        return Err(Failure::usage(message, "start a new run with: kcode fix \"task\""));
    };
    is_of_this_version(before)?;
    if !is_abandoned(&folder.journal()) {
        return Err(JournalError::in_use(&folder.journal()).into());
    }
    let repository = Repository::open(Path::new(&before.repository))?.seen_from(before.focus.clone());
    let changes = changes_of(&folder)?;
    let (standing, is_carried) = stands(&folder, &repository, &changes)?;
    let carried = if is_carried { changes } else { ChangeSet::new(Vec::new()) };
    let carried = Carried::of(carried, &folder, &repository)?;
    let inherited = Inherited::of(&folder, &recovered, standing)?;
    let flags = kept_flags::resumed(&arguments.run, before);
    let env = Environment::from_process();
    let mut settings = settings::load(&super::flags(&flags), &env, global.config.as_deref(), Some(repository.root()))?;
    // The conversation is the model's own: another one must not get its reasoning.
    settings.model.value.clone_from(&before.model);
    let (inherited, carried) = (Some(inherited), Some(carried));
    super::run(Order { inherited, carried, ..Order::new(task, repository, settings, global, &flags) })
}

/// How the user's tree stands to the changes so far, as the model is told, and whether they have to be carried on.
fn stands(folder: &RunFolder, repository: &Repository, changes: &ChangeSet) -> Result<(String, bool), Failure> {
    let report = runs::load(folder)?;
    let root = repository.root();
    let mut edited = Vec::new();
    let standing = if changes.is_empty() {
        Standing::Nothing
    } else {
        match (still_applies(root, &changes.reversed()), still_applies(root, changes)) {
            (Ok(()), _) => Standing::Applied(&[]),
            (Err(_), Ok(())) if report.undone.is_some() => Standing::TakenBack,
            (Err(_), Ok(())) => Standing::Carried,
            // Whoever applied a patch may have gone on from there.
            (Err(ApplyError::MovedOn { files, .. }), Err(_)) if report.applied.is_some() => {
                edited.extend(files.into_iter().map(|file| file.path.to_string()));
                Standing::Applied(&edited)
            }
            (Err(_), Err(moved)) => return Err(moved.into()),
        }
    };
    let is_carried = matches!(standing, Standing::Carried | Standing::TakenBack);
    Ok((context::standing(&standing), is_carried))
}
