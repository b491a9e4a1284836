//! What a user may type.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use super::failure::Failure;
use super::gc::GcArguments;
use super::list::ListArguments;
use super::readable::ShownArguments;
use super::stats::StatsArguments;
use crate::journal::{Tokens, Usd};
use crate::settings::{Sandbox, parse_duration, parse_tokens, parse_usd};
use crate::workspace::Repository;

/// A coding agent that hands back a patch its own test runs stand behind.
///
/// Your working tree stays untouched until you say yes: the agent works on a private copy, behind a process wall.
#[derive(Debug, Parser)]
#[command(name = "kcode", version, propagate_version = false, max_term_width = 100)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Work on the repository around DIR instead of the current folder
    #[arg(short = 'C', long = "repo", value_name = "DIR", global = true)]
    pub repo: Option<PathBuf>,
    /// Read FILE instead of ~/.config/kcode/config.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Say only how it ended
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: ColorChoice,
}

impl Global {
    /// The folder to work on.
    pub fn folder(&self) -> &Path {
        self.repo.as_deref().unwrap_or(Path::new("."))
    }

    /// The repository around that folder.
    ///
    /// # Errors
    /// When there is none that kcode works on.
    pub fn repository(&self) -> Result<Repository, Failure> {
        Ok(Repository::open(self.folder())?)
    }

    /// The same for commands that also do without one; a folder that was named must hold one.
    ///
    /// # Errors
    /// When a folder was named and holds none.
    pub fn repository_if_any(&self) -> Result<Option<Repository>, Failure> {
        match self.repository() {
            Err(failure) if self.repo.is_some() => Err(failure),
            found => Ok(found.ok()),
        }
    }
}

/// See [`Global::color`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Solve a task in this repository and hand back a patch
    Fix(Box<FixArguments>),
    /// Take up a run that was interrupted, or stopped by a limit or the provider
    Resume(Box<ResumeArguments>),
    /// Play a recorded run again, offline, and say where it comes to something else
    Replay(ReplayArguments),
    /// Write a run to one file, without secrets: to replay it elsewhere, or as a trajectory
    Export(ExportArguments),
    /// Try kcode without a key: a small broken repository and a recorded conversation
    Demo,
    /// Print every setting and where it comes from
    Config(ConfigArguments),
    /// Build the wall, try to break out of it, and say what would mend its gaps
    Doctor(DoctorArguments),
    /// Print the patch of a run
    Diff(RunArgument),
    /// Print the report of a run
    Show(ShowArguments),
    /// Look at the patch of a run hunk by hunk, and apply what you accept
    Review(ReviewArguments),
    /// Hold a run against the laws, from its journal alone, on one page
    ///
    /// Reasoning received against reasoning sent back, turn by turn, with hashes; what each request sent, hashed anew from the
    /// journal's messages; what was reserved for it and what it was charged; every file that tools named; what the wall stopped;
    /// the tests, and what they ran on. Exits with 1 when the journal shows a breach.
    Audit(AuditArguments),
    /// Write the patch of a run to the working tree: all files or none
    Apply(ApplyArguments),
    /// Put back what stood in the working tree before a run was applied
    Undo(FitRunArgument),
    /// Run the tests of a run once more, on a clean view, and say where its report and reality differ
    Verify(VerifyArguments),
    /// List the runs of this repository
    Runs(ListArguments),
    /// Count what the runs of this repository came to, what became of their patches, and what they cost
    ///
    /// Everything is counted from the journals and from git's history each time; nothing is stored. A first success is a run
    /// that was verified without its tests ever sending the model back. A patch is accepted whole when all of it was applied as
    /// it was and not undone; it is handed off when nobody applied it. Human repair is what was rewritten in a review, and what
    /// differs in the patch's hunks between the tree after it was applied and the next commit of its files.
    Stats(StatsArguments),
    /// Remove runs beyond what settings keep, and test results that are out of date
    ///
    /// A run goes when there are newer ones enough (`keep.runs`), when its last event is too old (`keep.age`), or when newer
    /// ones take the room (`keep.size`). Whatever the limits, these stay: a run that is at work, the latest run of each
    /// repository, its latest run whose patch nobody applied, a run whose patch stands in the tree as it was applied (it can be
    /// undone), one whose patch is just being applied or undone, and one whose journal can't be read. The same happens by
    /// itself after each run, for at most 50 ms; what is left then goes after a later one.
    Gc(GcArguments),
}

/// A run, by name.
#[derive(Debug, Args)]
pub struct RunArgument {
    /// The run's id or a prefix of it; the latest run of this repository if left out
    pub run: Option<String>,
}

/// A run, by name, for a command that not every run is fit for.
#[derive(Debug, Args)]
pub struct FitRunArgument {
    /// The run's id or a prefix of it; the latest run of this repository that can be used if left out
    pub run: Option<String>,
}

/// See [`Command::Replay`].
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The run's id or a prefix of it, or a file that it was exported to; the latest run of this repository if left out
    #[arg(value_name = "RUN|FILE")]
    pub run: Option<String>,
    /// Let the model take as long as it did, N times faster [default: as fast as it goes]
    #[arg(long, value_name = "N", value_parser = parse_speed)]
    pub speed: Option<f64>,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// How whole the wall around the worker has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
}

/// See [`Command::Export`].
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgument,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace FILE if it is there already
    #[arg(long, requires = "out")]
    pub force: bool,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "run")]
    pub format: ExportFormat,
}

/// See [`ExportArguments::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Everything that `kcode replay FILE` needs but the repository (kcode.run/1)
    Run,
    /// A trajectory for Harbor, Terminal-Bench and others (ATIF-v1.6)
    Atif,
}

/// See [`Command::Show`].
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgument,
    /// How it is printed.
    #[command(flatten)]
    pub form: Form,
    /// Print trailers for a commit message: the run, its tests, its cost
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub trailers: bool,
    /// Print Markdown also on a terminal, where the report is drawn for eyes
    #[arg(long, conflicts_with_all = ["output", "json", "trailers"])]
    pub markdown: bool,
}

/// See [`Command::Audit`].
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgument,
    /// How it is printed.
    #[command(flatten)]
    pub form: Form,
}

/// See [`Command::Verify`].
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The run's id or a prefix of it, or a report.json with its files beside it; the latest run of this repository that
    /// can be used if left out
    pub run: Option<String>,
    /// Run the tests with this shell command instead
    #[arg(long, value_name = "CMD")]
    pub test: Option<String>,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// How whole the wall around the tests has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
    /// What standard output carries: nothing, or the comparison
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// See [`Command::Review`].
#[derive(Debug, Args)]
pub struct ReviewArguments {
    /// Which run.
    #[command(flatten)]
    pub run: FitRunArgument,
    /// Don't run the tests on what is accepted when that isn't the whole patch
    #[arg(long)]
    pub no_verify: bool,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// Ask line by line instead of drawing on the whole screen; so it is where nothing can be drawn
    #[arg(long)]
    pub plain: bool,
}

/// See [`Command::Apply`].
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// Which run.
    #[command(flatten)]
    pub which: FitRunArgument,
    /// Merge the patch into files that changed since the run began; no test has run on the result
    #[arg(long = "3way")]
    pub three_way: bool,
    /// Stage what is applied in git's index, and nothing else
    #[arg(long)]
    pub index: bool,
    /// Make the branch NAME at HEAD and check it out
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Commit what is applied, and nothing else; no hook runs, and nothing is signed
    #[arg(long)]
    pub commit: bool,
}

/// See [`Command::Config`].
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// See [`Command::Doctor`].
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How what is kept of runs is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Form {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    output: Listing,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl Form {
    /// What was asked for, in either way.
    pub const fn listing(self) -> Listing {
        if self.json { Listing::Json } else { self.output }
    }
}

/// See [`Command::Fix`].
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("task_source").args(["task", "task_file"]),
    override_usage = "kcode fix [OPTIONS] <TASK|--task-file <FILE>>"
)]
pub struct FixArguments {
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
    /// How it is done.
    #[command(flatten)]
    pub run: RunFlags,
}

/// See [`Command::Resume`].
#[derive(Debug, Args)]
pub struct ResumeArguments {
    /// Which run.
    #[command(flatten)]
    pub which: FitRunArgument,
    /// How it is done.
    #[command(flatten)]
    pub run: RunFlags,
}

/// How a run is done, new or taken up again.
#[derive(Clone, Debug, Args)]
pub struct RunFlags {
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
    /// Where requests go
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How whole the wall around the worker has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
    /// What standard output carries
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Output,
    /// Write the patch to FILE, too
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
}

/// The hard limits of a run.
#[expect(clippy::struct_field_names, reason = "the fields are named as the flags are")]
#[derive(Clone, Debug, Args)]
pub struct LimitArguments {
    /// Replies of the model [default: 60]
    #[arg(long, value_name = "N", value_parser = parse_turns, allow_negative_numbers = true)]
    pub max_turns: Option<u32>,
    /// Input and output tokens of all requests, such as 200k [default: no limit]
    #[arg(long, value_name = "N", value_parser = parse_tokens, allow_negative_numbers = true)]
    pub max_tokens: Option<Tokens>,
    /// Dollars at list price [default: 1]
    #[arg(long, value_name = "USD", value_parser = parse_usd, allow_negative_numbers = true)]
    pub max_cost: Option<Usd>,
    /// Time while the run runs, such as 90s or 1h30m; counts on when it is resumed [default: 20m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_negative_numbers = true)]
    pub max_time: Option<Duration>,
}

/// What standard output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The patch, for eyes on a terminal, else as it is
    Text,
    /// The report, once the run ended
    Json,
    /// Every event as it happens, a line of JSON each
    Jsonl,
}

fn parse_sandbox(text: &str) -> Result<Sandbox, String> {
    text.parse()
}

fn parse_turns(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a count of replies; write 20 or 60"))
}

fn parse_speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.01..=1e6).contains(&speed) => Ok(speed),
        _ => Err("a number such as 1, 10 or 0.5".to_owned()),
    }
}
