//! `kcode ci`: a run where nobody watches. A supervisor waits for a copy of itself that does the work, so that the folder says
//! how the job ended even when that was killed.

mod artifacts;
mod front;
mod supervisor;
mod task;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::arguments::Global;
use super::work_flags::WorkFlags;
use crate::journal::{Outcome, Tokens};
use crate::run::{self, Ended, Failure, RunSpec};
use crate::settings::{FlagLayer, Sandbox, parse_duration};

use artifacts::Artifacts;
use front::CiFront;

/// Input and output tokens of a run for which nobody named a limit.
const MAX_TOKENS: Tokens = Tokens(3_000_000);

/// See [`Command::Ci`](super::command_line::Command::Ci).
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("ci_task").args(["task_file", "task_env"]))]
pub(super) struct CiArguments {
    /// Read the task from FILE [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub task_file: Option<PathBuf>,
    /// Read the task from the environment variable NAME
    #[arg(long, value_name = "NAME")]
    pub task_env: Option<String>,
    /// Write patch, report and the rest to DIR, outside of the repository; it is made if it isn't there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// End whatever happens after TIME, such as 30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30m", allow_hyphen_values = true)]
    pub deadline: Duration,
    /// Say every TIME that the run is at work
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "20s", allow_hyphen_values = true)]
    pub heartbeat: Duration,
    /// The model
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    #[command(flatten)]
    pub work: WorkFlags,
}

pub(super) fn execute(global: &Global, arguments: &CiArguments) -> Result<Outcome, Failure> {
    let artifacts = Artifacts::begin(global, arguments)?;
    let deadline = arguments.deadline;
    match supervisor::start()? {
        supervisor::Role::Supervisor(worker) => worker.wait(deadline, &artifacts),
        supervisor::Role::Worker => {
            let ended = work(global, arguments, &artifacts);
            artifacts.conclude(ended)
        }
    }
}

/// Does the job, but for what is written when it is over.
fn work(global: &Global, arguments: &CiArguments, artifacts: &Artifacts) -> Result<Ended, Failure> {
    let task = task::read(global, arguments)?;
    let repository = global.repository()?;
    let options = arguments.work.options(global);
    let flags = FlagLayer {
        model: arguments.model.clone(),
        default_sandbox: Sandbox::Strict,
        default_max_tokens: Some(MAX_TOKENS),
        ..arguments.work.layer(&options)
    };
    let mut settings = global.settings(&flags, &repository)?;
    settings.max_time.value = settings.max_time.value.min(supervisor::time_for_a_run(arguments.deadline));
    let front = CiFront::new(artifacts, arguments.heartbeat);
    run::run(RunSpec::new(task, repository, settings, options, &front))
}
