//! `kcode show` and `diff`: what is kept of one run, and how it is found.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{FitRunArgument, Global, Listing, ListingForm, RunArgument};
use super::latest::{self, Purpose};
use super::output;
use crate::history::beginning;
use crate::journal::{Outcome, RUN_FILE_LIMIT, RunFolder, read_own};
use crate::render::{coloured_diff, letters, markdown};
use crate::report::{self, Report};
use crate::run::{self, Failure};
use crate::settings::{self, Environment, Redactor};

/// See [`Command::Show`](super::arguments::Command::Show).
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// Which run.
    #[command(flatten)]
    pub run: RunArgument,
    /// How it is printed.
    #[command(flatten)]
    pub form: ListingForm,
    /// Print trailers for a commit message: the run, its tests, its cost
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub trailers: bool,
    /// Print Markdown also on a terminal, where the report is drawn for eyes
    #[arg(long, conflicts_with_all = ["output", "json", "trailers"])]
    pub markdown: bool,
}

/// Prints the patch of a run: for eyes on a terminal, else byte for byte.
pub fn diff(global: &Global, arguments: &FitRunArgument) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.run.as_deref(), Purpose::Diff)?;
    let report = run::load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    let patch = read_own(&run.patch(), RUN_FILE_LIMIT).map_err(|error| run::unreadable(&run.patch(), &error))?;
    print_patch(&patch)?;
    Ok(Outcome::Verified)
}

/// Prints a patch: for eyes on a terminal, else byte for byte.
pub fn print_patch(patch: &[u8]) -> Result<(), Failure> {
    if console::user_attended() {
        let patch = String::from_utf8_lossy(patch);
        let drawn = coloured_diff(&Redactor::of(&Environment::from_process()).text(&patch));
        return output::data(letters::spelt(&drawn).as_bytes());
    }
    output::data(patch)
}

/// Prints the report of a run, folded anew from its journal.
pub fn show(global: &Global, arguments: &ShowArguments) -> Result<Outcome, Failure> {
    let report = run::load(&find(global, &arguments.run)?)?;
    match arguments.form.listing() {
        _ if arguments.trailers => output::data(report::trailers(&report).as_bytes())?,
        Listing::Text if arguments.markdown => output::data(report::markdown(&report).as_bytes())?,
        Listing::Text => print_report(&report::markdown(&report))?,
        Listing::Json => output::json(&report)?,
    }
    Ok(Outcome::Verified)
}

/// Prints Markdown: drawn for eyes on a terminal, else as it is.
fn print_report(text: &str) -> Result<(), Failure> {
    match output::columns(&console::Term::stdout()) {
        Some(columns) => output::page(&markdown(text, columns)),
        None => output::page(text),
    }
}

/// The run that was named, or the latest one of this repository.
pub fn find(global: &Global, arguments: &RunArgument) -> Result<RunFolder, Failure> {
    let place = KeptRuns::of(global)?;
    if let Some(prefix) = &arguments.run {
        return Ok(RunFolder::find(&place.state, prefix)?);
    }
    place.runs()?.next().ok_or_else(KeptRuns::no_runs)
}

/// The tree of a run, when the user stands in another one.
pub fn elsewhere(global: &Global, report: &Report) -> Option<String> {
    let here = global.repository_if_any().ok().flatten().map(|repository| repository.root().to_owned());
    let is_here = here.is_some_and(|root| root.as_os_str() == report.repository.as_str());
    (!is_here).then(|| format!("in {}", report.repository))
}

/// Where runs are kept, and the repository that the user stands in.
pub struct KeptRuns {
    /// kcode's state folder.
    pub state: PathBuf,
    root: Option<PathBuf>,
}

impl KeptRuns {
    /// Where the user stands.
    ///
    /// # Errors
    /// When settings can't be read, or a folder was named that holds no repository.
    pub fn of(global: &Global) -> Result<Self, Failure> {
        let root = global.repository_if_any()?.map(|repository| repository.root().to_owned());
        let env = Environment::from_process();
        let state = settings::state_dir(&env, global.config.as_deref(), root.as_deref())?.value;
        Ok(Self { state, root })
    }

    /// The runs of this repository, newest first.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn runs(&self) -> Result<impl Iterator<Item = RunFolder>, Failure> {
        let is_of_here = |run: &RunFolder| {
            beginning(run).is_ok_and(|begun| begun.is_some_and(|(_, started)| self.is_home_of(&started.repository)))
        };
        Ok(RunFolder::all(&self.state)?.into_iter().filter(is_of_here))
    }

    /// There is none.
    pub fn no_runs() -> Failure {
        Failure::usage("this repository has no runs", "`kcode runs --all` lists those of others")
    }

    /// Whether the user stands in the repository with this root.
    pub fn is_home_of(&self, repository: &str) -> bool {
        self.root.as_ref().is_some_and(|root| root.as_os_str() == repository)
    }
}
