//! Arguments of `kcode ci`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::cli::work_flags::WorkFlags;
use crate::settings::parse_duration;

/// See [`Command::Ci`](crate::cli::command_line::Command::Ci).
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("ci_task").args(["task_file", "task_env", "event", "sarif"]))]
pub(crate) struct CiArguments {
    /// Read the task from FILE [default: standard input]
    #[arg(long, value_name = "FILE")]
    pub task_file: Option<PathBuf>,
    /// Read the task from the environment variable NAME
    #[arg(long, value_name = "NAME")]
    pub task_env: Option<String>,
    /// Make the task of an event as the platform froze it, such as "$GITHUB_EVENT_PATH"; `[ci]` says who may start a run, and how
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// Make the task of a failing job's log; with --event, of the workflow that failed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task_file", "task_env", "sarif"])]
    pub log: Option<PathBuf>,
    /// Make the task of an analyzer's findings (SARIF 2.1.0)
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// All findings of this rule
    #[arg(long, value_name = "ID", requires = "sarif")]
    pub rule: Option<String>,
    /// One finding, by its number in the file or by a fingerprint
    #[arg(long, value_name = "ID", requires = "sarif", conflicts_with = "rule")]
    pub finding: Option<String>,
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
