//! `kcode verify`: runs a run's tests and checks again, on a clean view, and reports differences from its report.
//!
//! [`Subject`] is what is verified, [`Choosing`] decides what runs, `tree_comparison` compares the current tree with
//! the run's, `place` is the temporary folder, `trial` runs everything. The user's tree is only read.

mod place;
mod tree_comparison;
mod trial;

use std::path::Path;

use clap::Args;

use super::arguments::{Global, Listing, parse_sandbox};
use super::latest::{self, Purpose};
use super::output;
use super::readable::ShownArguments;
use crate::journal::Outcome;
use crate::render::verification_table;
use crate::report::{TestsNow, Verification};
use crate::run::Failure;
use crate::run::rerun::{Choosing, PatchSource, Reran, Rerun, Subject};
use crate::sandbox;
use crate::settings::{Environment, FlagLayer, Redactor, Sandbox};
use crate::testing::{TrialFolders, environment};
use crate::tools::TestRun;
use crate::workspace::Repository;

use place::ScratchFolder;
use tree_comparison::TreeComparison;

/// See [`Command::Verify`](crate::cli::command_line::Command::Verify).
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The run's id or a prefix of it, or a report.json with its files beside it; the latest run of this repository that
    /// can be used if left out
    pub run: Option<String>,
    /// Run the tests with this shell command instead
    #[arg(long, value_name = "CMD")]
    pub test: Option<String>,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// How complete the sandbox has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
    /// What standard output carries: nothing, or the comparison
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// Succeeds when the tests pass and everything is as the report of a verified run says.
pub(super) fn execute(global: &Global, arguments: &VerifyArguments) -> Result<Outcome, Failure> {
    let subject = read(global, arguments)?;
    let repository = repository(global, &subject)?;
    let shown = match &subject.source {
        PatchSource::Run(run) => arguments.shown.shown().with_those_of(run),
        PatchSource::Patch(_) => arguments.shown.shown(),
    };
    let (test, readable) = (arguments.test.clone(), shown.0.clone());
    let flags = FlagLayer { test, readable, sandbox: arguments.sandbox, ..FlagLayer::default() };
    let settings = global.settings(&flags, &repository)?;
    shown.check(&settings, repository.root())?;
    let redactor = Redactor::of(&Environment::from_process());
    let is_given = arguments.test.is_some();
    let choosing =
        Choosing { subject: &subject, is_given, settings: &settings, repository: &repository, redactor: &redactor };
    let mut commands = choosing.commands()?;
    let place = ScratchFolder::make(&settings.state_dir.value)?;
    let TreeComparison { tested_tree, changes, blobs } = tree_comparison::find(&repository, &subject, &place)?;
    let rerun = Rerun {
        repository: &repository,
        settings: &settings,
        redactor: &redactor,
        folders: TrialFolders { trials: place.path("trials"), blobs: blobs.folder().to_owned() },
        logs: place.path("logs"),
        tests: Some(&commands.tests),
        checks: &commands.checks,
    };
    let Reran { tests, checks } = trial::hold(&rerun, &changes)?;
    let seen = environment(&commands.tests, repository.root(), sandbox::variables(&settings.child_env.value));
    let notes = &mut commands.notes;
    notes.extend(subject.notes.iter().cloned());
    notes.extend(
        (settings.sandbox.value == Sandbox::Off).then(|| "nothing confined the tests: --sandbox off".to_owned()),
    );
    let checks: Vec<Option<&TestRun>> = checks.iter().map(Option::as_ref).collect();
    let then = subject.results.as_ref().and_then(|results| results.after.as_ref());
    let measured =
        TestsNow { runs: &tests, checks: &checks, tested_tree, then, environment: &seen, notes: commands.notes };
    let verification = Verification::of(&subject.report, measured).ok_or_else(|| nothing_to_verify(&subject))?;
    place.remove();
    let failing = tests.last().into_iter().chain(checks.into_iter().flatten()).find(|run| !run.passed());
    let failing = failing.filter(|_| verification.outcome != Outcome::Verified);
    print(arguments.output, &verification, failing)?;
    Ok(verification.outcome)
}

/// Loads the named report, or a kept run.
fn read(global: &Global, arguments: &VerifyArguments) -> Result<Subject, Failure> {
    let named = arguments.run.as_deref().map(Path::new);
    let subject = match named.filter(|path| path.is_dir() || path.extension().is_some_and(|name| name == "json")) {
        Some(path) if path.is_dir() => Subject::of_file(&path.join("report.json"))?,
        Some(path) => Subject::of_file(path)?,
        None => Subject::of_run(&latest::find(global, arguments.run.as_deref(), Purpose::Verify)?)?,
    };
    if subject.report.patch.is_none() {
        let message = format!("run {} has no patch", subject.report.run);
        return Err(Failure::new(Outcome::NoChange, message, subject.report.detail));
    }
    if subject.report.tests.after.is_none() {
        return Err(nothing_to_verify(&subject));
    }
    Ok(subject)
}

fn nothing_to_verify(subject: &Subject) -> Failure {
    let message = format!("run {} has no test results: there is nothing to verify", subject.report.run);
    Failure::new(Outcome::Unverified, message, "start a run with a test command: kcode fix \"task\" --test CMD")
}

/// The repository that the user names, else that of the run, else the current one.
fn repository(global: &Global, subject: &Subject) -> Result<Repository, Failure> {
    let home = Path::new(&subject.report.repository);
    match subject.source {
        PatchSource::Run(_) if global.repo.is_none() && home.is_dir() => Ok(Repository::open(home)?),
        _ => global.repository(),
    }
}

fn print(form: Listing, verification: &Verification, failing: Option<&TestRun>) -> Result<(), Failure> {
    output::say(&verification_table(verification, failing));
    match form {
        Listing::Text => Ok(()),
        Listing::Json => output::json(verification),
    }
}
