//! Arguments of `kcode ci`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::cli::work_flags::WorkFlags;
use crate::settings::parse_duration;

/// See [`Command::Ci`](crate::cli::command_line::Command::Ci).
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("ci_task").args(["task_file", "task_env"]))]
pub(crate) struct CiArguments {
    /// Read the task from FILE [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub task_file: Option<PathBuf>,
    /// Read the task from the environment variable NAME
    #[arg(long, value_name = "NAME")]
    pub task_env: Option<String>,
    /// Take AGENTS.md, .kcode.toml and the test command from REF, not from the tree, which may be a stranger's
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    /// Write patch, report and the rest to DIR, outside of the repository; it is made if it isn't there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write the model's replies to FILE, for --replay
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Take the model's replies from FILE, without a key or a provider; all else is real
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base_url", "model"])]
    pub replay: Option<PathBuf>,
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
