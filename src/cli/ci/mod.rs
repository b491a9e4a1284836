//! `kcode ci`: a run where nobody watches. A supervisor waits for a copy of itself that does the work, so that the folder says
//! how the job ended even when that was killed.

mod arguments;
mod artifacts;
mod checkout;
mod follow_up;
mod front;
mod replay;
mod supervisor;
mod task;

use super::arguments::Global;
use crate::ci::task::CiTask;
use crate::journal::{Outcome, Tokens};
use crate::run::{self, Ended, Failure, RunSpec, out_file};
use crate::settings::{self, FlagLayer, Sandbox};

pub(super) use arguments::CiArguments;
use artifacts::Artifacts;
use front::CiFront;

/// Input and output tokens of a run for which nobody named a limit.
const MAX_TOKENS: Tokens = Tokens(3_000_000);

pub(super) fn execute(global: &Global, arguments: &CiArguments) -> Result<Outcome, Failure> {
    let artifacts = Artifacts::begin(global, arguments)?;
    let deadline = arguments.deadline;
    match supervisor::start()? {
        supervisor::ForkedSide::Supervisor(job) => job.wait(deadline, &artifacts),
        supervisor::ForkedSide::Job => {
            let ended = work(global, arguments, &artifacts);
            artifacts.conclude(ended)
        }
    }
}

/// Does the job, but for what is written when it is over.
fn work(global: &Global, arguments: &CiArguments, artifacts: &Artifacts) -> Result<Ended, Failure> {
    arguments.record.as_deref().map_or(Ok(()), |file| out_file::check(file, "--record"))?;
    let repository = checkout::open(global, arguments.base.as_deref())?;
    let options = arguments.work.options(global);
    let flags = FlagLayer {
        model: arguments.model.clone(),
        default_sandbox: Sandbox::Strict,
        default_max_tokens: Some(MAX_TOKENS),
        policy: true,
        ..arguments.work.layer(&options)
    };
    let env = replay::environment(arguments.replay.as_deref())?;
    let mut settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.guiding_root()))?;
    settings.max_time.value = settings.max_time.value.min(supervisor::time_for_a_run(arguments.deadline));
    let task = task::read(global, arguments, &settings.ci)?;
    artifacts.started_by(&task.source)?;
    if task.is_from_fork {
        checkout::is_of_the_base(&repository)?;
    }
    let front = CiFront::new(artifacts, arguments.heartbeat);
    let CiTask { text, raw, follow_up, .. } = task;
    let spec = match follow_up {
        Some(earlier) => follow_up::spec(&earlier, text, repository, settings, &options, &front)?,
        None => RunSpec::new(text, repository, settings, options, &front),
    };
    run::run(RunSpec { quoted: raw, ..spec })
}
