//! `kcode gc`: removes runs beyond the configured limits. The same happens after each run, for a few milliseconds.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Global, Listing, ListingForm, parse_count};
use super::kept_runs::KeptRuns;
use super::output;
use crate::history::{Going, Reason, Retention, RetentionLimits, finish_removals};
use crate::journal::{Bytes, Outcome, RunFolder, RunId};
use crate::run::Failure;
use crate::settings::{self, Environment, parse_bytes, parse_duration};
use crate::testing::Baselines;
use crate::text::{counted, table};

/// Schema name of the output.
const SCHEMA: &str = "kcode.gc/1";
/// Time limit of the removal after a run.
const BUDGET: Duration = Duration::from_millis(50);

/// See [`Command::Gc`](super::command_line::Command::Gc).
#[derive(Debug, Args)]
pub(super) struct GcArguments {
    /// Keep the newest N runs [default: what `kcode config` says]
    #[arg(long, value_name = "N", value_parser = parse_count::<u32>, allow_hyphen_values = true)]
    pub keep: Option<u32>,
    /// Keep runs whose last event is no older, such as 90d
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true)]
    pub max_age: Option<Duration>,
    /// Keep the newest runs that fit, such as 5GB
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, allow_hyphen_values = true)]
    pub max_size: Option<Bytes>,
    /// Remove nothing, say what would be
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub form: ListingForm,
}

/// What `--output json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Cleared {
    /// Always `kcode.gc/1` when written by this version.
    schema: &'static str,
    /// True when nothing was removed.
    dry_run: bool,
    /// The runs that were removed, or would be, oldest first.
    runs: Vec<Going>,
    /// Test results of start states that no run would use any more.
    baselines: u64,
    /// Total size in bytes of what was removed, or would be.
    bytes: Bytes,
}

/// Removes what is beyond the limits, in all repositories.
pub(super) fn execute(global: &Global, arguments: &GcArguments) -> Result<Outcome, Failure> {
    // With invalid settings nothing is removed.
    let mut keep = kept(global)?;
    let state = KeptRuns::of(global)?.state;
    keep.runs = arguments.keep.or(keep.runs);
    keep.age = arguments.max_age.or(keep.age);
    keep.bytes = arguments.max_size.map(|size| size.0).or(keep.bytes);
    let cleared = clear(&state, keep, arguments.dry_run, None)?;
    match arguments.form.listing() {
        Listing::Json => output::json(&cleared)?,
        Listing::Text => tell(&cleared)?,
    }
    Ok(Outcome::Verified)
}

/// Removes a few old runs after a run. Errors don't change that run's end; `kcode gc` shows them.
pub(super) fn after_a_run(global: &Global) {
    let until = Instant::now() + BUDGET;
    let cleared = kept(global).and_then(|keep| clear(&KeptRuns::of(global)?.state, keep, false, Some(until)));
    if let Ok(cleared) = cleared
        && !cleared.runs.is_empty()
        && !global.quiet
    {
        let runs = counted(cleared.runs.len(), "old run");
        output::say(&format!("removed {runs} ({}); `kcode config` shows what is kept", cleared.bytes));
    }
}

fn kept(global: &Global) -> Result<RetentionLimits, Failure> {
    let keep = settings::keep(&Environment::from_process(), global.config.as_deref())?;
    Ok(RetentionLimits { runs: Some(keep.runs.value), age: Some(keep.age.value), bytes: Some(keep.size.value.0) })
}

fn clear(state: &Path, keep: RetentionLimits, dry_run: bool, until: Option<Instant>) -> Result<Cleared, Failure> {
    let mut retention = Retention::of(state, unsettled(state), until)?;
    let mut runs = retention.going(keep, SystemTime::now());
    let outdated = Baselines::in_state(state).stale().unwrap_or_default();
    if !dry_run {
        // When it fails, the next pass reads more runs.
        drop(retention.remember());
        finish_removals(state, until).map_err(anyhow::Error::from)?;
        let mut gone = Vec::new();
        for run in runs {
            if until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            if retention.remove(&run).map_err(anyhow::Error::from)? {
                gone.push(run);
            }
        }
        runs = gone;
        // Another run may have removed it already.
        for (path, _) in &outdated {
            drop(std::fs::remove_file(path));
        }
    }
    let bytes = runs.iter().map(|run| run.bytes).chain(outdated.iter().map(|(_, bytes)| *bytes)).map(Bytes).sum();
    Ok(Cleared { schema: SCHEMA, dry_run, runs, baselines: outdated.len() as u64, bytes })
}

/// Runs whose patch is half written to a tree: finishing that, or taking it back, needs their folders.
fn unsettled(state: &Path) -> HashSet<RunId> {
    let entries = std::fs::read_dir(RunFolder::unfinished_below(state)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.split('.').next()?.parse().ok()).collect()
}

fn tell(cleared: &Cleared) -> Result<(), Failure> {
    let rows = cleared.runs.iter().map(|run| {
        let repository = run.repository.clone().unwrap_or_else(|| "–".to_owned());
        vec![run.run.to_string(), Bytes(run.bytes).to_string(), reason(run.reason).to_owned(), repository]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        output::page(&table(&["run", " size", "why", "repository"], rows))?;
    }
    let done = if cleared.dry_run { "would remove" } else { "removed" };
    let runs = counted(cleared.runs.len(), "run");
    let baselines = counted(cleared.baselines as usize, "old test result");
    output::say(&format!("{done} {runs} and {baselines}: {}", cleared.bytes));
    Ok(())
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Count => "beyond keep.runs",
        Reason::Age => "too old",
        Reason::Bytes => "beyond keep.size",
    }
}
