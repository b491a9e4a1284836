//! `kcode fix --resume RUN "more"`: a further task with all that the model knows by now.
//!
//! It is a run of its own, with a budget, a report, a patch and an undo of its own; what it has in common with the one before is the
//! conversation, byte for byte and under the same cache key, and changes that aren't in the user's tree yet.

use std::path::Path;

use super::clean_up;
use super::failure::Failure;
use super::inherited::Inherited;
use super::kept_flags;
use super::options::RunOptions;
use super::pending_changes::PendingChanges;
use super::resumed_run::{changes_of, is_of_this_version};
use super::stored_run::load;
use super::unanswered::messages;
use crate::context::{self, ChangesStanding};
use crate::journal::{Event, JournalError, RunFolder, is_abandoned, recover};
use crate::workspace::{ApplyError, ChangeSet, Repository, still_applies};

/// The run that a follow-up task continues.
pub(crate) struct FollowUp {
    pub repository: Repository,
    /// Its model: the conversation is that one's own, another one must not get its reasoning.
    pub model: String,
    /// What is asked for now, with what was asked for then; limits are this run's own.
    pub options: RunOptions,
    pub inherited: Inherited,
    /// Changes that aren't in the tree yet.
    pub carried: PendingChanges,
}

impl FollowUp {
    /// Of the run in `folder`.
    ///
    /// # Errors
    /// When it can't be followed: it had not begun, is still open, was made by another version, or the tree moved on.
    pub(crate) fn of(folder: &RunFolder, asked: &RunOptions) -> Result<Self, Failure> {
        clean_up::clear(folder);
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
        let changes = changes_of(folder)?;
        let (standing, is_carried) = stands(folder, &repository, &changes)?;
        let carried = if is_carried { changes } else { ChangeSet::new(Vec::new()) };
        let carried = PendingChanges::of(carried, folder, &repository)?;
        let inherited = Inherited::of(folder, &recovered, standing)?;
        let (model, options) = (before.model.clone(), kept_flags::resumed(asked, before));
        Ok(Self { repository, model, options, inherited, carried })
    }
}

/// How the user's tree stands to the changes so far, as the model is told, and whether they have to be carried on.
fn stands(folder: &RunFolder, repository: &Repository, changes: &ChangeSet) -> Result<(String, bool), Failure> {
    let report = load(folder)?;
    let root = repository.root();
    let mut edited = Vec::new();
    let standing = if changes.is_empty() {
        ChangesStanding::Nothing
    } else {
        match (still_applies(root, &changes.reversed()), still_applies(root, changes)) {
            (Ok(()), _) => ChangesStanding::Applied(&[]),
            (Err(_), Ok(())) if report.undone.is_some() => ChangesStanding::TakenBack,
            (Err(_), Ok(())) => ChangesStanding::Carried,
            // Whoever applied a patch may have gone on from there.
            (Err(ApplyError::MovedOn { files, .. }), Err(_)) if report.applied.is_some() => {
                edited.extend(files.into_iter().map(|file| file.path.to_string()));
                ChangesStanding::Applied(&edited)
            }
            (Err(_), Err(moved)) => return Err(moved.into()),
        }
    };
    let is_carried = matches!(standing, ChangesStanding::Carried | ChangesStanding::TakenBack);
    Ok((context::standing(&standing), is_carried))
}
