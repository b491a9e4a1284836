//! `kcode doctor`: builds the sandbox that a run would get, tries to break out of it, and says what to do about gaps.
//! In a repository it also shows which tests a run would use, and why.

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::arguments::{Global, Listing};
use super::output;
use crate::journal::{Guard, Outcome, SandboxBuilt, TestsChosen};
use crate::render::sandbox_table;
use crate::run::{self, ChosenTests, Failure};
use crate::sandbox::{OverlayPlan, Worker, WorkerError, WorkerFolders, WorkerPlan};
use crate::settings::{Environment, FlagLayer, Redactor, Sandbox};
use crate::text::sanitise_line;
use crate::workspace::remove_tree;

/// See [`Command::Doctor`](super::command_line::Command::Doctor).
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// Output of `--output json`.
#[derive(Serialize)]
struct Diagnosis<'a> {
    schema: &'static str,
    /// True when `--sandbox strict` would start here.
    strict: bool,
    #[serde(rename = "wall")]
    sandbox: &'a SandboxBuilt,
    /// `None` outside a repository.
    tests: Option<TestsChosen>,
}

/// Succeeds only when `--sandbox strict` would start.
pub(super) fn execute(global: &Global, arguments: &DoctorArguments) -> Result<Outcome, Failure> {
    let tests = tests(global)?;
    let sandbox = build()?;
    let open: Vec<&str> = Guard::ALL.into_iter().filter(|guard| !sandbox.holds(*guard)).map(Guard::name).collect();
    let strict = open.is_empty();
    match arguments.output {
        Listing::Json => output::json(&Diagnosis { schema: "kcode.doctor/1", strict, sandbox: &sandbox, tests })?,
        Listing::Text => {
            let verdict = match &open[..] {
                [] => format!("The sandbox is complete after {} ms: --sandbox strict starts here.", sandbox.ms),
                open => format!("Nothing guards {}: --sandbox strict refuses to start here.", open.join(" and ")),
            };
            let tests = tests.map_or_else(String::new, |tests| in_words(&tests));
            output::page(&format!("{}\n{verdict}\n{tests}", sandbox_table(&sandbox)))?;
        }
    }
    Ok(if strict { Outcome::Verified } else { Outcome::Refused })
}

/// The tests of a run in this repository. Invalid settings are left to `kcode config`.
fn tests(global: &Global) -> Result<Option<TestsChosen>, Failure> {
    let Some(repository) = global.repository_if_any()? else { return Ok(None) };
    Ok(Some(match global.settings(&FlagLayer::default(), &repository) {
        Ok(settings) => ChosenTests::choose(&settings, &repository).event(&Redactor::of(&Environment::from_process())),
        Err(error) => TestsChosen { command: None, origin: error.to_string(), checks: Vec::new() },
    }))
}

fn in_words(tests: &TestsChosen) -> String {
    let origin = sanitise_line(&tests.origin);
    let command = tests.command.as_ref().map_or("none".into(), |command| sanitise_line(command));
    let checks = tests.checks.iter().map(|check| {
        let word = if check.required { "" } else { ", not required" };
        let (name, command, origin) =
            (sanitise_line(&check.name), sanitise_line(&check.command), sanitise_line(&check.origin));
        format!("Check {name}: {command} ({origin}{word})\n")
    });
    format!("Tests: {command} ({origin})\n{}", checks.collect::<String>())
}

/// Starts a worker in an empty folder and stops it at once.
fn build() -> Result<SandboxBuilt, Failure> {
    let place =
        tempfile::Builder::new().prefix("kcode-doctor-").tempdir().context("no temporary folder can be made")?;
    let folder = |name: &str| {
        let folder = place.path().canonicalize().map_err(anyhow::Error::from)?.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        Ok::<_, Failure>(folder)
    };
    folder("overlay/work")?;
    folder("overlay/upper")?;
    let overlay = OverlayPlan { tree: folder("tree")?, layers: folder("overlay")?, git: Vec::new() };
    let layers = overlay.layers.clone();
    let folders = WorkerFolders { view: folder("view")?, logs: folder("logs")?, scratch: folder("scratch")? };
    let plan = WorkerPlan { overlay: Some(overlay), ..WorkerPlan::bare(folders, Sandbox::Auto) };
    run::on_a_runtime(async {
        let (worker, sandbox) = Worker::start(plan).await.map_err(|error| failure(&error))?;
        worker.stop().await;
        // The kernel's own folder in `work` can't be entered as it is.
        remove_tree(&layers).with_context(|| format!("{} can't be removed", layers.display()))?;
        Ok(sandbox)
    })
}

fn failure(error: &WorkerError) -> Failure {
    Failure::new(Outcome::Refused, error.to_string(), error.hint())
}
