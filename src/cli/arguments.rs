//! Arguments that several commands take. Those of a single command are declared beside it.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::render::Verbosity;
use crate::run::Failure;
use crate::settings::{self, Environment, FlagLayer, Sandbox, Settings, SettingsError};
use crate::workspace::Repository;

/// The heading over [`Global`] in each help page.
const EVERYWHERE: &str = "Options of every command";

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// Work on the repository around DIR instead of the current folder
    #[arg(short = 'C', long = "repo", value_name = "DIR", global = true, help_heading = EVERYWHERE)]
    pub repo: Option<PathBuf>,
    /// Read FILE instead of ~/.config/kcode/config.toml
    #[arg(long, value_name = "FILE", global = true, help_heading = EVERYWHERE)]
    pub config: Option<PathBuf>,
    /// Print only the outcome
    #[arg(short, long, global = true, help_heading = EVERYWHERE, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", global = true, help_heading = EVERYWHERE, default_value = "auto")]
    pub color: ColorChoice,
}

impl Global {
    pub(super) fn folder(&self) -> &Path {
        self.repo.as_deref().unwrap_or(Path::new("."))
    }

    pub(super) const fn loudness(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
    }

    /// The repository around the folder.
    ///
    /// # Errors
    /// When there is none that kcode can work on.
    pub(super) fn repository(&self) -> Result<Repository, Failure> {
        Ok(Repository::open(self.folder())?)
    }

    /// Settings for `repository`, with the values of `flags`.
    ///
    /// # Errors
    /// When one of them can't be used.
    pub(super) fn settings(&self, flags: &FlagLayer, repository: &Repository) -> Result<Settings, SettingsError> {
        settings::load(flags, &Environment::from_process(), self.config.as_deref(), Some(repository.guiding_root()))
    }

    /// As [`Global::repository`], for commands that also work without one.
    ///
    /// # Errors
    /// When the user named a folder that has none.
    pub(super) fn repository_if_any(&self) -> Result<Option<Repository>, Failure> {
        match self.repository() {
            Err(failure) if self.repo.is_some() => Err(failure),
            found => Ok(found.ok()),
        }
    }
}

/// See [`Global::color`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

/// A run, by name.
#[derive(Debug, Args)]
pub(super) struct RunArgument {
    /// The run's id or a prefix of it; the latest run of this repository if left out
    pub run: Option<String>,
}

/// A run, by name, for a command that not every run is fit for.
#[derive(Debug, Args)]
pub(super) struct FitRunArgument {
    /// The run's id or a prefix of it; the latest run of this repository that can be used if left out
    pub run: Option<String>,
}

/// How a listing is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Listing {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What standard output carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputForm {
    /// The patch, for eyes on a terminal, else as it is
    Text,
    /// The report, once the run ended
    Json,
    /// Every event as it happens, a line of JSON each
    Jsonl,
}

/// How what is kept of runs is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ListingForm {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    output: Listing,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl ListingForm {
    /// The chosen form, by either flag.
    pub(super) const fn listing(self) -> Listing {
        if self.json { Listing::Json } else { self.output }
    }
}

/// Parses the value of `--sandbox`.
///
/// # Errors
/// Lists the possible values.
pub(super) fn parse_sandbox(text: &str) -> Result<Sandbox, String> {
    text.parse()
}

/// Parses a count.
///
/// # Errors
/// A message with examples.
pub(super) fn parse_count<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a count; write 0, 1 or 20"))
}
