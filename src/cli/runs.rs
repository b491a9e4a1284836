//! `kcode runs`, `show` and `diff`: what is kept of earlier runs.

use std::path::PathBuf;

use anyhow::Context;

use super::arguments::{Global, Listing, RunArgument, RunsArguments, ShowArguments};
use super::failure::Failure;
use super::output;
use crate::journal::{FindError, Outcome, RunFolder, recover};
use crate::render::{coloured_diff, sanitise};
use crate::report::{self, Report};
use crate::settings::{self, Environment, Redactor};

/// Prints the patch of a run: for eyes on a terminal, else byte for byte.
pub fn diff(global: &Global, arguments: &RunArgument) -> Result<Outcome, Failure> {
    let run = find(global, arguments)?;
    let report = load(&run)?;
    if report.patch.is_none() {
        return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
    }
    let patch = std::fs::read(run.patch()).with_context(|| format!("{} can't be read", run.patch().display()))?;
    print_patch(&patch)?;
    Ok(Outcome::Verified)
}

/// Prints a patch: for eyes on a terminal, else byte for byte.
pub fn print_patch(patch: &[u8]) -> Result<(), Failure> {
    if console::user_attended() {
        let patch = String::from_utf8_lossy(patch);
        return output::data(coloured_diff(&Redactor::of(&Environment::from_process()).text(&patch)).as_bytes());
    }
    output::data(patch)
}

/// Prints the report of a run, folded anew from its journal.
pub fn show(global: &Global, arguments: &ShowArguments) -> Result<Outcome, Failure> {
    let report = load(&find(global, &arguments.run)?)?;
    match arguments.output {
        _ if arguments.trailers => output::data(report::trailers(&report).as_bytes())?,
        Listing::Text => output::data(report::markdown(&report).as_bytes())?,
        Listing::Json => output::json(&report)?,
    }
    Ok(Outcome::Verified)
}

/// Lists runs, newest first.
pub fn list(global: &Global, arguments: &RunsArguments) -> Result<Outcome, Failure> {
    let place = Place::of(global)?;
    let mut lines = String::new();
    for run in RunFolder::all(&place.state)? {
        // A run that another version wrote, or that is damaged, is listed all the same.
        let line = match load(&run) {
            Ok(report) if !arguments.all && !place.is_home_of(&report) => continue,
            Ok(report) => {
                let (task, started) = (sanitise(&report.task), &report.timing.started_at);
                let task = task.lines().next().unwrap_or_default().chars().take(60).collect::<String>();
                format!(
                    "{}  {:<14} {:<8} {}  {task}\n",
                    run.id(),
                    report.outcome.name(),
                    in_tree(&report),
                    started.get(..16).unwrap_or(started)
                )
            }
            Err(_) if !arguments.all => continue,
            Err(failure) => format!("{}  unreadable: {}\n", run.id(), sanitise(&failure.message)),
        };
        lines.push_str(&line);
    }
    if lines.is_empty() {
        output::say("no runs yet; start one with: kcode fix \"task\"");
    }
    output::data(lines.as_bytes())?;
    Ok(Outcome::Verified)
}

/// What became of the patch in the user's tree.
fn in_tree(report: &Report) -> &'static str {
    match (report.applied, report.undone) {
        (Some(_), _) => "applied",
        (None, Some(_)) => "undone",
        (None, None) => "",
    }
}

/// The run that was named, or the latest one of this repository.
pub fn find(global: &Global, arguments: &RunArgument) -> Result<RunFolder, Failure> {
    let place = Place::of(global)?;
    if let Some(prefix) = &arguments.run {
        return Ok(RunFolder::find(&place.state, prefix)?);
    }
    place.latest(|_| true)
}

/// The tree of a run, when the user stands in another one.
pub fn elsewhere(global: &Global, report: &Report) -> Option<String> {
    let here = global.repository_if_any().ok().flatten().map(|repository| repository.root().to_owned());
    let is_here = here.is_some_and(|root| root.as_os_str() == report.repository.as_str());
    (!is_here).then(|| format!("in {}", report.repository))
}

/// The latest run of this repository whose report is `wanted`.
pub fn latest(global: &Global, wanted: impl Fn(&Report) -> bool) -> Result<RunFolder, Failure> {
    Place::of(global)?.latest(wanted)
}

/// The report of a run, folded from its journal.
pub fn load(run: &RunFolder) -> Result<Report, Failure> {
    let journal = run.journal();
    let recovered = recover(&journal).with_context(|| format!("{} can't be read", journal.display()))?;
    let mut report = report::fold(&recovered.records, &run.patch().display().to_string())
        .ok_or_else(|| Failure::internal(format!("{} holds no run", journal.display())))?;
    // The journal keeps the model's words byte for byte; nobody else gets them with secrets in them.
    if let Some(said) = &mut report.said {
        Redactor::of(&Environment::from_process()).clean(said);
    }
    Ok(report)
}

/// Where runs are kept, and the repository that the user stands in.
struct Place {
    state: PathBuf,
    root: Option<PathBuf>,
}

impl Place {
    fn of(global: &Global) -> Result<Self, Failure> {
        let root = global.repository_if_any()?.map(|repository| repository.root().to_owned());
        let env = Environment::from_process();
        let state = settings::state_dir(&env, global.config.as_deref(), root.as_deref())?.value;
        Ok(Self { state, root })
    }

    fn latest(&self, wanted: impl Fn(&Report) -> bool) -> Result<RunFolder, Failure> {
        let is_it = |run: &RunFolder| load(run).is_ok_and(|report| self.is_home_of(&report) && wanted(&report));
        RunFolder::all(&self.state)?
            .into_iter()
            .find(is_it)
            .ok_or_else(|| Failure::usage("this repository has no runs", "`kcode runs --all` lists those of others"))
    }

    fn is_home_of(&self, report: &Report) -> bool {
        self.root.as_ref().is_some_and(|root| root.as_os_str() == report.repository.as_str())
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        Self::usage(error.to_string(), "`kcode runs` lists the runs of this repository")
    }
}
