//! A comment on a pull request that kcode opened: a further task in the conversation of the run that made it.

use crate::ci::task;
use crate::journal::{Outcome, RunFolder};
use crate::run::{Failure, FollowUp, Front, RunOptions, RunSpec};
use crate::settings::Settings;
use crate::workspace::Repository;

/// The spec of a run that goes on from `earlier`, whose folder the workflow has put back into the state folder.
///
/// # Errors
/// When that run isn't here, is of another repository, or can't be continued.
pub(super) fn spec<'a>(
    earlier: &task::OwnPullRequest,
    task: String,
    here: Repository,
    mut settings: Settings,
    options: &RunOptions,
    front: &'a dyn Front,
) -> Result<RunSpec<'a>, Failure> {
    let folder = RunFolder::at(&settings.state_dir.value, &earlier.run);
    if !folder.journal().exists() {
        let hint = "restore the run's folder from the artifact of the job that made it, below $KCODE_HOME/runs";
        let message = format!("run {}, which pull request #{} is from, is not here", earlier.run, earlier.number);
        return Err(Failure::new(Outcome::Config, message, hint));
    }
    let FollowUp { repository, model, options, inherited, carried } = FollowUp::of(&folder, options)?;
    if repository.root() != here.root() {
        let hint = "check the repository out at the same path as in the earlier job";
        let message = format!("run {} worked on {}", earlier.run, repository.root().display());
        return Err(Failure::new(Outcome::Config, message, hint));
    }
    settings.model.value = model;
    let (inherited, carried) = (Some(inherited), Some(carried));
    Ok(RunSpec { inherited, carried, ..RunSpec::new(task, here, settings, options, front) })
}
