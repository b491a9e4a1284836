//! `kcode fix` and `kcode resume`: turn the command line into the spec of a run.

mod flags;
mod task;

use crate::cli::arguments::{Global, RunArgument};
use crate::cli::latest::{self, Purpose};
use crate::cli::terminal::Terminal;
use crate::cli::{kept_runs, output};
use crate::run::{self, Ended, Failure, FollowUp, Inherited, ResumedRun, RunOptions, RunSpec};
use crate::settings::FlagLayer;

use flags::RunFlags;
pub(super) use flags::{FixArguments, ResumeArguments};

pub(super) fn execute(global: &Global, arguments: &FixArguments) -> Result<Ended, Failure> {
    let task = task::read(global, arguments)?;
    let front = terminal(global, &arguments.run);
    let spec = match &arguments.resume {
        Some(run) => further_task(&front, arguments, run, task)?,
        None => first_task(&front, arguments, task)?,
    };
    run::run(spec)
}

/// Continues a run that stopped before its end. Task, model and the options of its flags stay as they were.
pub(super) fn resume(global: &Global, arguments: &ResumeArguments) -> Result<Ended, Failure> {
    let folder = latest::find(global, arguments.which.run.as_deref(), Purpose::Resume)?;
    run::clear(&folder);
    let past = ResumedRun::open(folder, output::say)?;
    let repository = past.repository.clone();
    let options = run::resumed(&options(global, &arguments.run), &past.started);
    let mut settings = global.settings(&arguments.run.work.layer(&options), &repository)?;
    // Reasoning in the conversation must not be sent to another model.
    settings.model.value.clone_from(&past.started.model);
    let task = past.started.task.clone();
    let follows = past.started.follows.as_ref();
    let inherited = follows.map(|follows| Inherited::reopen(&past.folder, follows)).transpose()?;
    let front = terminal(global, &arguments.run);
    let spec = RunSpec::new(task, repository, settings, options, &front);
    run::run(RunSpec { past: Some(past), inherited, ..spec })
}

/// A task in a new conversation.
fn first_task<'a>(front: &'a Terminal<'_>, arguments: &FixArguments, task: String) -> Result<RunSpec<'a>, Failure> {
    let repository = front.global.repository()?;
    let options = options(front.global, &arguments.run);
    let flags = FlagLayer { model: arguments.model.clone(), ..arguments.run.work.layer(&options) };
    let settings = front.global.settings(&flags, &repository)?;
    Ok(RunSpec::new(task, repository, settings, options, front))
}

/// `--resume RUN "more"`: a further task in the conversation of an earlier run.
fn further_task<'a>(
    front: &'a Terminal<'_>,
    arguments: &FixArguments,
    which: &str,
    task: String,
) -> Result<RunSpec<'a>, Failure> {
    let global = front.global;
    let folder = kept_runs::find(global, &RunArgument { run: Some(which.to_owned()) })?;
    let FollowUp { repository, model, options, inherited, carried } =
        FollowUp::of(&folder, &options(global, &arguments.run))?;
    let mut settings = global.settings(&arguments.run.work.layer(&options), &repository)?;
    settings.model.value = model;
    let (inherited, carried) = (Some(inherited), Some(carried));
    Ok(RunSpec { inherited, carried, ..RunSpec::new(task, repository, settings, options, front) })
}

fn terminal<'a>(global: &'a Global, flags: &RunFlags) -> Terminal<'a> {
    Terminal::new(global, flags.output, !flags.dry_run && !flags.apply, flags.apply)
}

/// Options of the run that aren't settings.
fn options(global: &Global, flags: &RunFlags) -> RunOptions {
    RunOptions { apply: flags.apply, patch: flags.patch.clone(), ..flags.work.options(global) }
}
