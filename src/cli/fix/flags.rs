//! Flags of `kcode fix` and `kcode resume`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use crate::cli::arguments::{FitRunArgument, OutputForm, parse_sandbox};
use crate::cli::readable::ShownArguments;
use crate::journal::{Tokens, Usd};
use crate::settings::{Sandbox, parse_duration, parse_tokens, parse_usd};

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
    /// Run the tests with this shell command
    #[arg(long, value_name = "CMD", conflicts_with = "no_verify")]
    pub test: Option<String>,
    /// Run no tests and no checks; the outcome is then `unverified`
    #[arg(long)]
    pub no_verify: bool,
    /// Don't run tests and checks on the state that the run starts from
    #[arg(long)]
    pub no_baseline: bool,
    /// Ask for a test that fails without the fix, and check that it does
    #[arg(long, conflicts_with_all = ["no_verify", "no_baseline"])]
    pub reproduce: bool,
    /// Drop what no test needs of a verified patch, within half of the time that is left
    #[arg(long, conflicts_with_all = ["no_verify", "no_baseline"])]
    pub minimize: bool,
    /// Accept a patch that makes tests prove less
    #[arg(long)]
    pub allow_test_edits: bool,
    /// Go on although the tests can't run here: their command can't start, or what it needs isn't installed
    #[arg(long)]
    pub allow_failing_setup: bool,
    /// Take what commands write of these files into the patch, such as "**/__snapshots__/**"; can be repeated
    #[arg(long, value_name = "GLOB")]
    pub include_generated: Vec<String>,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// Limits
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Base URL of the provider's API
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How complete the sandbox has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: OutputForm,
    /// Write the patch to FILE, too
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
}

/// The hard limits of a run.
#[expect(clippy::struct_field_names, reason = "the fields are named as the flags are")]
#[derive(Clone, Debug, Args)]
pub(crate) struct LimitArguments {
    /// Replies of the model [default: 60]
    #[arg(long, value_name = "N", value_parser = parse_turns, allow_hyphen_values = true)]
    pub max_turns: Option<u32>,
    /// Input and output tokens of all requests, such as 200k [default: no limit]
    #[arg(long, value_name = "N", value_parser = parse_tokens, allow_hyphen_values = true)]
    pub max_tokens: Option<Tokens>,
    /// Dollars at list price [default: 1]
    #[arg(long, value_name = "USD", value_parser = parse_usd, allow_hyphen_values = true)]
    pub max_cost: Option<Usd>,
    /// Time while the run runs, such as 90s or 1h30m; counts on when it is resumed [default: 20m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true)]
    pub max_time: Option<Duration>,
}

fn parse_turns(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a count of replies; write 20 or 60"))
}
