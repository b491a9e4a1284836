//! Flags of `kcode fix` and `kcode resume`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::cli::arguments::{FitRunArgument, OutputForm};
use crate::cli::work_flags::WorkFlags;

/// See [`Command::Fix`](crate::cli::command_line::Command::Fix).
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("task_source").args(["task", "task_file"]),
    override_usage = "kcode fix [OPTIONS] <TASK>\n       kcode fix [OPTIONS] --task-file F"
)]
pub(crate) struct FixArguments {
    /// What to do; `-` reads it from standard input
    #[arg(required_unless_present_any = ["task_file", "resume"])]
    pub task: Option<String>,
    /// Read the task from FILE
    #[arg(long, value_name = "FILE")]
    pub task_file: Option<PathBuf>,
    /// Go on from RUN, with all that the model knows by now; to take up RUN itself, use `kcode resume`
    #[arg(long, value_name = "RUN", conflicts_with = "model")]
    pub resume: Option<String>,
    /// The model
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    #[command(flatten)]
    pub run: RunFlags,
}

/// See [`Command::Resume`](crate::cli::command_line::Command::Resume).
#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    #[command(flatten)]
    pub which: FitRunArgument,
    #[command(flatten)]
    pub run: RunFlags,
}

/// How a run is done, new or taken up again.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunFlags {
    /// Do the whole job, print the patch on standard output, apply nothing
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Write the patch to the working tree if it is verified and no touched file changed meanwhile
    #[arg(long)]
    pub apply: bool,
    #[command(flatten)]
    pub work: WorkFlags,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: OutputForm,
    /// Write the patch to FILE, too
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
}
