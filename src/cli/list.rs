//! `kcode runs`: lists the kept runs, newest first.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Global, Listing, ListingForm, parse_count};
use super::kept_runs::{self, KeptRuns};
use super::output;
use super::since::Since;
use crate::history::{Catalogue, PatchFate, RunSummary, TestsSummary, Unreadable};
use crate::journal::{Outcome, RunFolder, Usd, is_abandoned};
use crate::render::LocalTime;
use crate::run::Failure;
use crate::text::{counted, sanitise, table};

/// Schema name of the output.
const SCHEMA: &str = "kcode.runs/1";
/// Columns of a task when the width of the terminal is unknown.
const TASK_WIDTH: usize = 60;
/// Minimum columns of a task on a narrow terminal.
const LEAST_TASK_WIDTH: usize = 20;

/// See [`Command::Runs`](super::command_line::Command::Runs).
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Runs of every repository
    #[arg(long)]
    pub all: bool,
    /// Only runs with this outcome; may be given more than once
    #[arg(long, value_name = "OUTCOME", value_parser = outcomes())]
    pub outcome: Vec<Outcome>,
    /// Only runs that began since then: 7d, 12h, 2026-01-31
    #[arg(long, value_name = "WHEN", value_parser = Since::parse, allow_hyphen_values = true)]
    pub since: Option<Since>,
    /// Only runs whose patch, or a part of it, was applied and not undone
    #[arg(long, conflicts_with = "waiting")]
    pub applied: bool,
    /// Only runs with a patch that nobody applied
    #[arg(long)]
    pub waiting: bool,
    /// No more than the newest N
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_count::<usize>, allow_hyphen_values = true)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub form: ListingForm,
}

fn outcomes() -> impl clap::builder::TypedValueParser<Value = Outcome> {
    let named = |name: String| Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::name))
        .try_map(move |name| named(name).ok_or("it is no outcome"))
}

/// What `--output json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct RunList {
    /// Always `kcode.runs/1` when written by this version.
    schema: &'static str,
    /// Newest first.
    runs: Vec<RunSummary>,
    /// Runs whose journal can't be read.
    unreadable: Vec<Unreadable>,
}

/// Lists the runs that match. Unreadable journals are reported on standard error.
pub(super) fn execute(global: &Global, arguments: &ListArguments) -> Result<Outcome, Failure> {
    let place = KeptRuns::of(global)?;
    let Catalogue { runs, unreadable } = place.catalogue(arguments.all)?;
    let known = runs.len();
    let mut runs: Vec<RunSummary> = runs.into_iter().filter(|run| arguments.admits(run)).collect();
    runs.truncate(arguments.limit.unwrap_or(usize::MAX));
    match (runs.is_empty(), known) {
        (true, 0) => output::say("no runs yet; start one with: kcode fix \"task\""),
        (true, known) => output::say(&format!("none of {} fits", counted(known, "run"))),
        _ => {}
    }
    kept_runs::name(&unreadable);
    match arguments.form.listing() {
        Listing::Json => output::json(&RunList { schema: SCHEMA, runs, unreadable })?,
        Listing::Text if runs.is_empty() => {}
        Listing::Text => output::page(&text(&place, &runs, arguments.all))?,
    }
    Ok(Outcome::Verified)
}

impl ListArguments {
    fn admits(&self, run: &RunSummary) -> bool {
        (self.outcome.is_empty() || self.outcome.contains(&run.outcome))
            && self.since.as_ref().is_none_or(|since| since.admits(&run.started_at))
            && (!self.applied || run.fate.is_accepted())
            && (!self.waiting || run.fate == PatchFate::Waiting)
    }
}

fn text(place: &KeptRuns, runs: &[RunSummary], all: bool) -> String {
    let whens: Vec<Option<LocalTime>> = runs.iter().map(|run| LocalTime::local(&run.started_at)).collect();
    let offset = one_offset(&whens);
    let when = offset.map_or_else(|| "when".to_owned(), |offset| format!("when ({offset})"));
    let mut headings = vec!["run", &when, "outcome", "tests", " cost", "patch"];
    if all {
        headings.push("repository");
    }
    let mut rows: Vec<Vec<String>> =
        runs.iter().zip(&whens).map(|(run, when)| row(place, run, all, told(when.as_ref(), offset))).collect();
    let taken = table(&headings, rows.clone()).lines().map(console::measure_text_width).max().unwrap_or(0);
    headings.push("task");
    for (row, run) in rows.iter_mut().zip(runs) {
        row.push(cut(&sanitise(&run.task), taken));
    }
    table(&headings, rows)
}

fn row(place: &KeptRuns, run: &RunSummary, all: bool, when: String) -> Vec<String> {
    let sent_nothing = (run.requests == 0).then(Usd::default);
    let cost = run.cost_usd.or(sent_nothing).map_or_else(|| "?".to_owned(), |cost| cost.to_string());
    let mut row = vec![
        run.run.to_string(),
        when,
        outcome(place, run).to_owned(),
        tests(run.tests),
        cost,
        fate(run.fate).to_owned(),
    ];
    if all {
        row.push(run.repository.clone());
    }
    row
}

/// The UTC offset of all these moments if it is the same; daylight saving time gives a year two.
fn one_offset(whens: &[Option<LocalTime>]) -> Option<&str> {
    let mut offsets = whens.iter().flatten().map(|when| when.offset.as_str());
    let first = offsets.next()?;
    offsets.all(|offset| offset == first).then_some(first)
}

/// A moment, with its offset unless the heading has it.
fn told(when: Option<&LocalTime>, offset: Option<&str>) -> String {
    match (when, offset) {
        (None, _) => "?".to_owned(),
        (Some(when), Some(_)) => when.text.clone(),
        (Some(when), None) => format!("{} {}", when.text, when.offset),
    }
}

/// A run without an end whose journal is locked is running.
fn outcome(place: &KeptRuns, run: &RunSummary) -> &'static str {
    let is_running = || !is_abandoned(&RunFolder::at(&place.state, &run.run).journal());
    if !run.ended && is_running() { "running" } else { run.outcome.words() }
}

fn tests(tests: Option<TestsSummary>) -> String {
    match tests {
        None => "–".to_owned(),
        Some(TestsSummary { passed: true, counts: Some(counts) }) => format!("{} pass", counts.passed),
        Some(TestsSummary { passed: false, counts: Some(counts) }) if counts.failed > 0 => {
            format!("{} fail", counts.failed)
        }
        Some(TestsSummary { passed, .. }) => if passed { "pass" } else { "fail" }.to_owned(),
    }
}

const fn fate(fate: PatchFate) -> &'static str {
    match fate {
        PatchFate::None => "–",
        PatchFate::Waiting => "waiting",
        PatchFate::Applied => "applied",
        PatchFate::Partly => "partly applied",
        PatchFate::Undone => "undone",
    }
}

/// The task, cut to the width of the terminal.
fn cut(task: &str, taken: usize) -> String {
    let width = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let left = width.map_or(TASK_WIDTH, |width| width.saturating_sub(taken + 2).max(LEAST_TASK_WIDTH));
    console::truncate_str(task, left, "…").into_owned()
}
