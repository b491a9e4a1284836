//! `kcode fix`: puts the rooms together for one run.
//!
//! `task` reads what to do, `start` opens everything beside each other, `opening` writes the first messages, `bench` is what the planner works at,
//! `finish` computes the outcome, applies when asked, and writes the report.

mod bench;
mod finish;
mod interrupt;
mod opening;
mod start;
mod task;

use std::path::Path;

use super::arguments::{FixArguments, Global};
use super::failure::Failure;
use crate::journal::Outcome;
use crate::settings::{self, Environment, FlagLayer};
use crate::workspace::Repository;

pub use start::Order;

/// Runs the command.
pub fn execute(global: &Global, arguments: &FixArguments) -> Result<Outcome, Failure> {
    let task = task::read(arguments)?;
    arguments.patch.as_deref().map_or(Ok(()), check_patch_file)?;
    let repository = Repository::open(&global.repo)?;
    let env = Environment::from_process();
    let settings = settings::load(&flags(arguments), &env, global.config.as_deref(), Some(repository.root()))?;
    run(Order { task, repository, settings, global, arguments })
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let ended = runtime.block_on(async {
        let run = start::start(order).await?;
        finish::finish(run).await
    });
    // A copy that is still being made was told to stop; nothing waits for it.
    runtime.shutdown_background();
    ended
}

fn flags(arguments: &FixArguments) -> FlagLayer {
    FlagLayer {
        model: arguments.model.clone(),
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
