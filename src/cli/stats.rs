//! `kcode stats`: what the kept runs say taken together.

use std::collections::HashMap;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Global, Listing};
use super::failure::Failure;
use super::list::{known, name};
use super::output;
use super::runs::Place;
use super::since::Since;
use crate::history::{Catalogue, Grouped, Histories, Repair, RunSummary, Unreadable, figures, moment, statistics_text};
use crate::journal::{Outcome, RunFolder, RunId};

/// The schema that the figures name.
const SCHEMA: &str = "kcode.stats/1";

/// See [`Command::Stats`](super::arguments::Command::Stats).
#[derive(Debug, Args)]
pub struct StatsArguments {
    /// Runs of every repository
    #[arg(long)]
    pub all: bool,
    /// Only runs that began since then: 7d, 12h, 2026-01-31
    #[arg(long, value_name = "WHEN", value_parser = Since::parse)]
    pub since: Option<Since>,
    /// A line of comma-separated values for the whole and for each group
    #[arg(long, conflicts_with = "output")]
    pub csv: bool,
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// What `--output json` prints.
#[derive(Serialize, JsonSchema)]
pub struct StatsList {
    /// Always `kcode.stats/1` when written by this version.
    schema: &'static str,
    /// The figures.
    #[serde(flatten)]
    grouped: Grouped,
    /// Runs whose journal can't be read; they count nowhere.
    unreadable: Vec<Unreadable>,
}

/// Folds the journals of the runs that fit.
pub fn execute(global: &Global, arguments: &StatsArguments) -> Result<Outcome, Failure> {
    let place = Place::of(global)?;
    let Catalogue { mut runs, unreadable } = known(&place, arguments.all)?;
    runs.retain(|run| arguments.since.as_ref().is_none_or(|since| since.admits(&run.started_at)));
    name(&unreadable);
    let grouped = Grouped::of(&runs, &repairs(&place, &runs));
    match (arguments.csv, arguments.output) {
        (true, _) => output::data(csv(&grouped)?.as_bytes())?,
        (_, Listing::Json) => output::json(&StatsList { schema: SCHEMA, grouped, unreadable })?,
        (_, Listing::Text) if runs.is_empty() => output::say("no runs to count"),
        (_, Listing::Text) => output::data(statistics_text(&grouped).as_bytes())?,
    }
    Ok(Outcome::Verified)
}

/// What was changed by hand in the patches that were applied, as far as git tells.
fn repairs(place: &Place, runs: &[RunSummary]) -> HashMap<RunId, Repair> {
    let mut histories = Histories::default();
    let accepted = runs.iter().filter(|run| run.fate.is_accepted());
    let repaired = accepted.filter_map(|run| {
        let applied = moment(run.applied_at.as_deref()?)?.unix_timestamp();
        Some((run.run.clone(), histories.repair(&RunFolder::at(&place.state, &run.run), run, applied)))
    });
    repaired.collect()
}

/// A line for the whole, and one for each group.
fn csv(grouped: &Grouped) -> Result<String, Failure> {
    let total = [("total", "", &grouped.total)];
    let in_groups = [("model", &grouped.by_model), ("repository", &grouped.by_repository), ("week", &grouped.by_week)];
    let in_groups = in_groups
        .iter()
        .flat_map(|(kind, groups)| groups.iter().map(|group| (*kind, group.name.as_str(), &group.statistics)));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut headed = false;
    for (kind, name, statistics) in total.into_iter().chain(in_groups) {
        let figures = figures(statistics);
        if !std::mem::replace(&mut headed, true) {
            writer
                .write_record(["by", "name"].into_iter().chain(figures.iter().map(|(column, _)| *column)))
                .map_err(unwritten)?;
        }
        let values = figures.iter().map(|(_, value)| value.as_str());
        writer.write_record([kind, name].into_iter().chain(values)).map_err(unwritten)?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::internal(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn unwritten(error: csv::Error) -> Failure {
    Failure::internal(format!("the figures can't be written: {error}"))
}
