//! `kcode fix`: puts the rooms together for one run.
//!
//! `task` reads what to do, `start` opens everything beside each other, `opening` writes the first messages,
//! `past` takes up a run that had stopped, `terms` says what a run may use, `bench` is what the planner works at, `test_runs` reads what it ran,
//! `finish` computes the outcome, applies when asked, and writes the report.

mod bench;
mod discreet;
mod finish;
mod interrupt;
mod opening;
mod past;
mod start;
mod task;
mod terms;
mod test_runs;

use std::path::Path;

use super::arguments::{FixArguments, Global, ResumeArguments, RunFlags};
use super::failure::Failure;
use super::runs;
use crate::journal::Outcome;
use crate::settings::{self, Environment, FlagLayer};
use crate::workspace::{Repository, still_applies};

use interrupt::Interrupts;
use past::Past;
pub use start::Order;
pub use terms::ChosenTests;

/// Runs the command.
pub fn execute(global: &Global, arguments: &FixArguments) -> Result<Outcome, Failure> {
    let task = task::read(arguments)?;
    let repository = global.repository()?;
    let env = Environment::from_process();
    let flags = FlagLayer { model: arguments.model.clone(), ..flags(&arguments.run) };
    let settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    run(Order { task, repository, settings, global, flags: &arguments.run, past: None, kept: true })
}

/// Takes up a run that stopped before its end. Task and model are the run's own.
pub fn resume(global: &Global, arguments: &ResumeArguments) -> Result<Outcome, Failure> {
    let past = Past::open(runs::find(global, &arguments.which)?)?;
    let repository = Repository::open(Path::new(&past.started.repository))?;
    still_applies(repository.root(), &past.changes)?;
    let env = Environment::from_process();
    let mut settings = settings::load(&flags(&arguments.run), &env, global.config.as_deref(), Some(repository.root()))?;
    // The conversation is the model's own: another one must not get its reasoning.
    settings.model.value.clone_from(&past.started.model);
    let task = past.started.task.clone();
    run(Order { task, repository, settings, global, flags: &arguments.run, past: Some(past), kept: true })
}

/// A path that can't be written is told before the run, not after it was paid for.
fn check_patch_file(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() && !path.is_dir() {
        return Ok(());
    }
    let message = format!("{} can't take the patch: its folder is not there, or it is a folder itself", path.display());
    Err(Failure::usage(message, "give --patch the name of a file in a folder that exists"))
}

/// Runs an order to its end on a runtime of its own.
pub fn run(order: Order<'_>) -> Result<Outcome, Failure> {
    order.flags.patch.as_deref().map_or(Ok(()), check_patch_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let ended = runtime.block_on(async {
        let Interrupts { asked, mut insisted } = Interrupts::listen()?;
        let in_order = async { finish::finish(start::start(order, asked).await?).await };
        tokio::select! {
            ended = in_order => ended,
            // The worker and all it started end with the connection to this process; the journal is kept.
            _ = insisted.wait_for(|insisted| *insisted) => Ok(Outcome::Interrupted),
        }
    });
    // A copy that is still being made was told to stop; nothing waits for it.
    runtime.shutdown_background();
    ended
}

fn flags(arguments: &RunFlags) -> FlagLayer {
    FlagLayer {
        base_url: arguments.base_url.clone(),
        max_turns: arguments.limits.max_turns,
        max_tokens: arguments.limits.max_tokens,
        max_cost: arguments.limits.max_cost,
        max_time: arguments.limits.max_time,
        test: arguments.test.clone(),
        no_verify: arguments.no_verify,
        sandbox: arguments.sandbox,
        ..FlagLayer::default()
    }
}
