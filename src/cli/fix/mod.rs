//! `kcode fix`: puts the rooms together for one run.
//!
//! `flags` are what may be typed, `task` reads what to do, and an `order` says all that a run is told. `open_run` opens its journal, in which `kept_flags`
//! are; `start` makes everything else beside each other: `enclosure` the worker and its view, `opening` the first messages, or
//! `past` those of a run that had stopped, in which `unanswered` calls are answered. `follow` gives a further task to a run that
//! is over: `inherited` is its conversation, `carried` its changes. `terms` says what a run may use, `chosen_tests` what it
//! stands on, `bench` is what the planner works at, `command_runs` are the runs of it, `test_runs` reads what they left, `start_state`
//! and `baseline_runs` tell how the tests went before, `view_slot` waits for the view. `again` is
//! what a replay is told, and `voice` who answers. `reproduction` looks for a test that shows what the patch mends, `minimize`
//! for a smaller patch; `trial_runs` are the test runs of both. `finish` computes the outcome, applies when asked, notes the
//! end and writes the report; `hand_over` shows it.

mod again;
mod baseline_runs;
mod bench;
mod bench_errors;
mod carried;
mod certificate;
mod chosen_tests;
mod command_runs;
mod copy_instead;
mod discreet;
mod enclosure;
mod finish;
mod flags;
mod follow;
mod guard;
mod hand_over;
mod inherited;
mod interrupt;
mod kept_flags;
mod minimize;
mod on_patch;
mod open_run;
mod opening;
mod order;
mod past;
mod reproduction;
mod setup;
mod smaller;
mod start;
mod start_state;
mod sweep;
mod task;
mod terms;
mod test_runs;
mod trial_runs;
mod unanswered;
mod view_slot;
mod voice;

use super::arguments::Global;
use super::failure::Failure;
use super::latest::{self, Purpose};
use super::out_file;
use super::review::{self, Manner};
use crate::journal::Outcome;
use crate::settings::{self, Environment, FlagLayer};

pub use again::Again;
pub use chosen_tests::ChosenTests;
pub use enclosure::{RENAMES, show_dependencies, worker_plan};
pub use finish::write_report;
pub use flags::{FixArguments, ResumeArguments, RunFlags};
use hand_over::Next;
pub use inherited::Inherited;
pub use interrupt::Interrupts;
pub use order::Order;
use past::Past;
use start::Run;
pub use test_runs::finish as read_results;

/// Runs the command.
pub fn execute(global: &Global, arguments: &FixArguments) -> Result<Outcome, Failure> {
    let task = task::read(global, arguments)?;
    if let Some(run) = &arguments.resume {
        return follow::execute(global, arguments, run, task);
    }
    let repository = global.repository()?;
    let env = Environment::from_process();
    let flags = FlagLayer { model: arguments.model.clone(), ..flags(&arguments.run) };
    let settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    run(Order::new(task, repository, settings, global, &arguments.run))
}

/// Takes up a run that stopped before its end. Task, model and what its flags asked for are the run's own.
pub fn resume(global: &Global, arguments: &ResumeArguments) -> Result<Outcome, Failure> {
    let folder = latest::find(global, arguments.which.run.as_deref(), Purpose::Resume)?;
    sweep::clear(&folder);
    let past = Past::open(folder)?;
    let repository = past.repository.clone();
    let env = Environment::from_process();
    let asked = kept_flags::resumed(&arguments.run, &past.started);
    let mut settings = settings::load(&flags(&asked), &env, global.config.as_deref(), Some(repository.root()))?;
    // The conversation is the model's own: another one must not get its reasoning.
    settings.model.value.clone_from(&past.started.model);
    let task = past.started.task.clone();
    let follows = past.started.follows.as_ref();
    let inherited = follows.map(|follows| Inherited::reopen(&past.folder, follows)).transpose()?;
    run(Order { past: Some(past), inherited, ..Order::new(task, repository, settings, global, &asked) })
}

/// Runs an order to its end on a runtime of its own.
pub fn run(order: Order<'_>) -> Result<Outcome, Failure> {
    // Told before the run, not after it was paid for.
    order.flags.patch.as_deref().map_or(Ok(()), |path| out_file::check(path, "--patch"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let (global, wants_apply, mut kept) = (order.global, order.flags.apply, None);
    let is_kept = order.kept;
    let ended = runtime.block_on(async {
        let Interrupts { asked, mut insisted } = Interrupts::listen()?;
        let mut run = Run::open(order)?;
        let folder = run.open.folder.clone();
        kept = Some(folder.clone());
        let in_order = async {
            let ended = Box::pin(run.converse(asked)).await;
            match run.order.again {
                Some(_) => Box::pin(again::put_away(run, ended)).await.map(|outcome| (outcome, Next::Nothing)),
                None => Box::pin(finish::finish(run, ended)).await,
            }
        };
        tokio::select! {
            ended = in_order => ended,
            // The worker and all it started end with the connection to this process.
            _ = insisted.wait_for(|insisted| *insisted) => {
                let outcome = finish::cut_short(&folder)?;
                if is_kept {
                    hand_over::cut_short(&folder, wants_apply);
                }
                Ok((outcome, Next::Nothing))
            }
        }
    });
    // A copy that is still being made was told to stop; nothing waits for it.
    runtime.shutdown_background();
    let (outcome, next) = ended?;
    match (next, kept) {
        // The run is over and its journal free: this is `kcode review`, as it could come tomorrow.
        (Next::Review, Some(folder)) => {
            let reviewed = review::review(global, folder, Manner::default())?;
            Ok(if reviewed == Outcome::Verified { outcome } else { reviewed })
        }
        _ => Ok(outcome),
    }
}

fn flags(arguments: &RunFlags) -> FlagLayer {
    FlagLayer {
        base_url: arguments.base_url.clone(),
        max_turns: arguments.limits.max_turns,
        max_tokens: arguments.limits.max_tokens,
        max_cost: arguments.limits.max_cost,
        max_time: arguments.limits.max_time,
        test: arguments.test.clone(),
        include_generated: arguments.include_generated.clone(),
        readable: arguments.shown.readable.clone(),
        no_verify: arguments.no_verify,
        no_baseline: arguments.no_baseline,
        sandbox: arguments.sandbox,
        ..FlagLayer::default()
    }
}
