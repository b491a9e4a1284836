//! `kcode fix` and `kcode resume`: what a person typed becomes an order.

mod flags;
mod hand_over;
mod task;

use crate::cli::arguments::{Global, RunArgument};
use crate::cli::latest::{self, Purpose};
use crate::cli::review::{self, ReviewOptions};
use crate::cli::{output, runs};
use crate::journal::Outcome;
use crate::run::{self, Failure, FollowUp, Inherited, Next, ResumedRun, RunOptions, RunSpec};
use crate::settings::{self, Environment, FlagLayer};

pub use flags::{FixArguments, ResumeArguments, RunFlags};
pub use hand_over::Terminal;

/// Runs the command.
pub fn execute(global: &Global, arguments: &FixArguments) -> Result<Outcome, Failure> {
    let task = task::read(global, arguments)?;
    let front = Terminal::of(global, &arguments.run);
    if let Some(run) = &arguments.resume {
        return follow_up(&front, arguments, run, task);
    }
    let repository = global.repository()?;
    let env = Environment::from_process();
    let options = options(global, &arguments.run);
    let flags = FlagLayer { model: arguments.model.clone(), ..flags(&arguments.run, &options) };
    let settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    carry_out(&front, RunSpec::new(task, repository, settings, options, &front))
}

/// Takes up a run that stopped before its end. Task, model and what its flags asked for are the run's own.
pub fn resume(global: &Global, arguments: &ResumeArguments) -> Result<Outcome, Failure> {
    let folder = latest::find(global, arguments.which.run.as_deref(), Purpose::Resume)?;
    run::clear(&folder);
    let past = ResumedRun::open(folder, output::say)?;
    let repository = past.repository.clone();
    let env = Environment::from_process();
    let options = run::resumed(&options(global, &arguments.run), &past.started);
    let flags = flags(&arguments.run, &options);
    let mut settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    // The conversation is the model's own: another one must not get its reasoning.
    settings.model.value.clone_from(&past.started.model);
    let task = past.started.task.clone();
    let follows = past.started.follows.as_ref();
    let inherited = follows.map(|follows| Inherited::reopen(&past.folder, follows)).transpose()?;
    let front = Terminal::of(global, &arguments.run);
    let order = RunSpec::new(task, repository, settings, options, &front);
    carry_out(&front, RunSpec { past: Some(past), inherited, ..order })
}

/// `--resume RUN "more"`: a further task with all that the model knows by now.
fn follow_up(front: &Terminal<'_>, arguments: &FixArguments, which: &str, task: String) -> Result<Outcome, Failure> {
    let global = front.global;
    let folder = runs::find(global, &RunArgument { run: Some(which.to_owned()) })?;
    let FollowUp { repository, model, options, inherited, carried } =
        FollowUp::of(&folder, &options(global, &arguments.run))?;
    let flags = flags(&arguments.run, &options);
    let env = Environment::from_process();
    let mut settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    settings.model.value = model;
    let (inherited, carried) = (Some(inherited), Some(carried));
    let order = RunSpec::new(task, repository, settings, options, front);
    carry_out(front, RunSpec { inherited, carried, ..order })
}

fn carry_out(front: &Terminal<'_>, order: RunSpec<'_>) -> Result<Outcome, Failure> {
    match run::run(order)? {
        // The run is over and its journal free: this is `kcode review`, as it could come tomorrow.
        (outcome, Next::Review, Some(folder)) => {
            let reviewed = review::review(front.global, folder, ReviewOptions::default())?;
            Ok(if reviewed == Outcome::Verified { outcome } else { reviewed })
        }
        (outcome, ..) => Ok(outcome),
    }
}

/// What flags ask of a run beside its settings.
fn options(global: &Global, flags: &RunFlags) -> RunOptions {
    RunOptions {
        apply: flags.apply,
        patch: flags.patch.clone(),
        test: flags.test.clone(),
        no_verify: flags.no_verify,
        no_baseline: flags.no_baseline,
        reproduce: flags.reproduce,
        minimize: flags.minimize,
        allow_test_edits: flags.allow_test_edits,
        allow_failing_setup: flags.allow_failing_setup,
        include_generated: flags.include_generated.clone(),
        shown: flags.shown.shown(),
        loudness: global.loudness(),
    }
}

/// What of `flags`, and of `options` that a run may have kept, belongs to the settings.
fn flags(flags: &RunFlags, options: &RunOptions) -> FlagLayer {
    FlagLayer {
        base_url: flags.base_url.clone(),
        max_turns: flags.limits.max_turns,
        max_tokens: flags.limits.max_tokens,
        max_cost: flags.limits.max_cost,
        max_time: flags.limits.max_time,
        test: options.test.clone(),
        include_generated: options.include_generated.clone(),
        readable: options.shown.0.clone(),
        no_verify: options.no_verify,
        no_baseline: options.no_baseline,
        sandbox: flags.sandbox,
        ..FlagLayer::default()
    }
}
