//! `kcode show` and `kcode diff`: print what is kept of one run.

use clap::Args;

use super::arguments::{FitRunArgument, Global, Listing, ListingForm, RunArgument};
use super::kept_runs;
use super::latest::{self, Purpose};
use super::output;
use crate::journal::{Outcome, RUN_FILE_LIMIT, read_own};
use crate::render::markdown;
use crate::report;
use crate::run::{self, Failure};

/// See [`Command::Show`](super::command_line::Command::Show).
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    pub run: RunArgument,
    #[command(flatten)]
    pub form: ListingForm,
    /// Print trailers for a commit message: the run, its tests, its cost
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub trailers: bool,
    /// Print Markdown also on a terminal, where the report is drawn for eyes
    #[arg(long, conflicts_with_all = ["output", "json", "trailers"])]
    pub markdown: bool,
}

/// Prints the patch of a run: coloured on a terminal, else byte for byte.
pub(super) fn diff(global: &Global, arguments: &FitRunArgument) -> Result<Outcome, Failure> {
    let run = latest::find(global, arguments.run.as_deref(), Purpose::Diff)?;
    let report = run::load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    let patch = read_own(&run.patch(), RUN_FILE_LIMIT).map_err(|error| run::unreadable(&run.patch(), &error))?;
    output::patch(&patch)?;
    Ok(Outcome::Verified)
}

/// Prints the report of a run, computed from its journal.
pub(super) fn show(global: &Global, arguments: &ShowArguments) -> Result<Outcome, Failure> {
    let report = run::load(&kept_runs::find(global, &arguments.run)?)?;
    match arguments.form.listing() {
        _ if arguments.trailers => output::data(report::trailers(&report).as_bytes())?,
        Listing::Text if arguments.markdown => output::data(report::markdown(&report).as_bytes())?,
        Listing::Text => print_report(&report::markdown(&report))?,
        Listing::Json => output::json(&report)?,
    }
    Ok(Outcome::Verified)
}

/// Prints Markdown: rendered on a terminal, else as it is.
fn print_report(text: &str) -> Result<(), Failure> {
    match output::columns(&console::Term::stdout()) {
        Some(columns) => output::page(&markdown(text, columns)),
        None => output::page(text),
    }
}
