//! What a user may type. What a command alone takes is declared beside it.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::apply::ApplyArguments;
use super::audit::AuditArguments;
use super::config::ConfigArguments;
use super::doctor::DoctorArguments;
use super::export::ExportArguments;
use super::fix::{FixArguments, ResumeArguments};
use super::gc::GcArguments;
use super::list::ListArguments;
use super::replay::ReplayArguments;
use super::review::ReviewArguments;
use super::runs::ShowArguments;
use super::stats::StatsArguments;
use super::verify::VerifyArguments;
use crate::render::Verbosity;
use crate::run::Failure;
use crate::settings::Sandbox;
use crate::workspace::Repository;

/// A coding agent that hands back a patch its own test runs stand behind.
///
/// Your working tree stays untouched until you say yes: the agent works on a private copy, behind a process wall.
#[derive(Debug, Parser)]
#[command(name = "kcode", version, propagate_version = false, max_term_width = 100)]
pub struct CommandLine {
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

    /// How much is said.
    pub const fn loudness(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
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
    Diff(FitRunArgument),
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

impl Command {
    /// Whether it needs no setting but where runs are kept.
    pub const fn reads_runs_alone(&self) -> bool {
        matches!(
            self,
            Self::Export(_)
                | Self::Diff(_)
                | Self::Show(_)
                | Self::Audit(_)
                | Self::Apply(_)
                | Self::Undo(_)
                | Self::Runs(_)
                | Self::Stats(_)
        )
    }
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
pub struct ListingForm {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    output: Listing,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl ListingForm {
    /// What was asked for, in either way.
    pub const fn listing(self) -> Listing {
        if self.json { Listing::Json } else { self.output }
    }
}

/// How whole the wall has to be.
///
/// # Errors
/// Names what it can be.
pub fn parse_sandbox(text: &str) -> Result<Sandbox, String> {
    text.parse()
}

/// How many of something.
///
/// # Errors
/// Says how to write it.
pub fn parse_count<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a count; write 0, 1 or 20"))
}
