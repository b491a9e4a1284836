//! `kcode stats`: figures over all kept runs.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Global, Listing, ListingForm};
use super::kept_runs::{self, KeptRuns};
use super::output;
use super::since::Since;
use crate::history::{Catalogue, Grouped, Unreadable, repairs, statistics_sheet, statistics_text};
use crate::journal::Outcome;
use crate::run::Failure;

/// Schema name of the output.
const SCHEMA: &str = "kcode.stats/1";

/// See [`Command::Stats`](super::command_line::Command::Stats).
#[derive(Debug, Args)]
pub(super) struct StatsArguments {
    /// Runs of every repository
    #[arg(long)]
    pub all: bool,
    /// Only runs that began since then: 7d, 12h, 2026-01-31
    #[arg(long, value_name = "WHEN", value_parser = Since::parse, allow_hyphen_values = true)]
    pub since: Option<Since>,
    /// A line of comma-separated values for the whole and for each group
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub csv: bool,
    #[command(flatten)]
    pub form: ListingForm,
}

/// What `--output json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatsList {
    /// Always `kcode.stats/1` when written by this version.
    schema: &'static str,
    /// The figures.
    #[serde(flatten)]
    grouped: Grouped,
    /// Runs whose journal can't be read; they count nowhere.
    unreadable: Vec<Unreadable>,
}

/// Computes the figures from the journals of the runs that match.
pub(super) fn execute(global: &Global, arguments: &StatsArguments) -> Result<Outcome, Failure> {
    let place = KeptRuns::of(global)?;
    let Catalogue { mut runs, unreadable } = place.catalogue(arguments.all)?;
    runs.retain(|run| arguments.since.as_ref().is_none_or(|since| since.admits(&run.started_at)));
    kept_runs::name(&unreadable);
    let grouped = Grouped::of(&runs, &repairs(&place.state, &runs));
    match (arguments.csv, arguments.form.listing()) {
        (true, _) => {
            let sheet = statistics_sheet(&grouped).map_err(|error| Failure::internal(error.to_string()))?;
            output::data(sheet.as_bytes())?;
        }
        (_, Listing::Json) => output::json(&StatsList { schema: SCHEMA, grouped, unreadable })?,
        (_, Listing::Text) if runs.is_empty() => output::say("no runs to count"),
        (_, Listing::Text) => output::page(&statistics_text(&grouped))?,
    }
    Ok(Outcome::Verified)
}
