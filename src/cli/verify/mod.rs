//! `kcode verify`: a run's tests once more, on a clean view, and where reality differs from its report.
//!
//! `subject` reads what is to be verified, `stance` finds out how the tree at hand stands to it, `place` is the folder in
//! which it happens, `trial` runs the tests. The user's tree is only read.

mod place;
mod stance;
mod subject;
mod trial;

use std::path::Path;

use super::arguments::{Global, Listing, RunArgument, VerifyArguments};
use super::failure::Failure;
use super::fix::ChosenTests;
use super::{output, runs};
use crate::evidence::{command_of, environment};
use crate::journal::Outcome;
use crate::render::verification_table;
use crate::report::{Measured, Verification};
use crate::settings::{self, Environment, FlagLayer, Redactor, Sandbox, Settings, TestCommand, holds_marker};
use crate::tools::TestRun;
use crate::worker;
use crate::workspace::Repository;

use place::Place;
use stance::Stance;
use subject::{Source, Subject};

/// Ends well when the tests pass and all is as the report of a verified run says.
pub fn execute(global: &Global, arguments: &VerifyArguments) -> Result<Outcome, Failure> {
    let subject = read(global, arguments)?;
    let repository = repository(global, &subject)?;
    let flags = FlagLayer { test: arguments.test.clone(), sandbox: arguments.sandbox, ..FlagLayer::default() };
    let env = Environment::from_process();
    let settings = settings::load(&flags, &env, global.config.as_deref(), Some(repository.root()))?;
    let redactor = Redactor::of(&env);
    let (command, mut notes) = command(&subject, arguments, &settings, &repository, &redactor)?;
    let place = Place::make(&settings.state_dir.value)?;
    let Stance { ground, changes, blobs } = stance::find(&repository, &subject, &place)?;
    let trial = trial::Trial { repository: &repository, settings: &settings, redactor: &redactor, place: &place };
    let runs = trial.hold(&command, &changes, &blobs)?;
    let seen = environment(&command, repository.root(), worker::variables(&settings.child_env.value));
    notes.extend(subject.notes.iter().cloned());
    notes.extend(
        (settings.sandbox.value == Sandbox::Off).then(|| "nothing confined the tests: --sandbox off".to_owned()),
    );
    let then = subject.results.as_ref().and_then(|results| results.after.as_ref());
    let measured = Measured { runs: &runs, ground, then, environment: &seen, notes };
    let verification = Verification::of(&subject.report, measured).ok_or_else(|| nothing_to_verify(&subject))?;
    place.remove()?;
    print(arguments.output, &verification, &runs)?;
    Ok(verification.outcome)
}

/// A report that is named, or a run that is kept.
fn read(global: &Global, arguments: &VerifyArguments) -> Result<Subject, Failure> {
    let named = arguments.run.as_deref().map(Path::new);
    let subject = match named.filter(|path| path.is_dir() || path.extension().is_some_and(|name| name == "json")) {
        Some(path) if path.is_dir() => Subject::of_file(&path.join("report.json"))?,
        Some(path) => Subject::of_file(path)?,
        None => Subject::of_run(&runs::find(global, &RunArgument { run: arguments.run.clone() })?)?,
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
    let message = format!("no tests stand behind run {}: there is nothing to verify", subject.report.run);
    Failure::new(Outcome::Unverified, message, "start a run with a test command: kcode fix \"task\" --test CMD")
}

/// Where a person says, else where the run was made, else where the person is.
fn repository(global: &Global, subject: &Subject) -> Result<Repository, Failure> {
    let home = Path::new(&subject.report.repository);
    match subject.source {
        Source::Run(_) if global.repo.is_none() && home.is_dir() => Ok(Repository::open(home)?),
        _ => global.repository(),
    }
}

/// What is run, and what has to be said of it. A run's own folder is trusted with a command; a report that came from
/// somewhere isn't.
fn command(
    subject: &Subject,
    arguments: &VerifyArguments,
    settings: &Settings,
    repository: &Repository,
    redactor: &Redactor,
) -> Result<(TestCommand, Vec<String>), Failure> {
    let chosen = ChosenTests::choose(settings, repository).command;
    let said = subject.report.tests.command.clone().unwrap_or_default();
    let is_said = |command: &TestCommand| redactor.text(&command.to_string()) == said;
    if let Some(command) = chosen.as_ref().filter(|command| arguments.test.is_some() || is_said(command)) {
        let other = (!is_said(command)).then(|| format!("the report's tests are those of: {said}"));
        return Ok((command.clone(), other.into_iter().collect()));
    }
    let recorded = subject.report.certificate.environment.as_ref().map(|seen| command_of(&seen.command));
    if let (Source::Run(_), Some(command)) = (&subject.source, recorded.filter(|_| !holds_marker(&said))) {
        let now = chosen.map_or_else(|| "none".to_owned(), |command| redactor.text(&command.to_string()).into_owned());
        return Ok((command, vec![format!("a run that starts now would choose another test command: {now}")]));
    }
    let message = format!("the report's test command isn't the one that is chosen here: {said}");
    Err(Failure::new(Outcome::Refused, message, "name the command to run: kcode verify … --test CMD"))
}

fn print(form: Listing, verification: &Verification, runs: &[TestRun]) -> Result<(), Failure> {
    output::say(&verification_table(verification, runs.last().filter(|run| !run.passed())));
    match form {
        Listing::Text => Ok(()),
        Listing::Json => output::json(verification),
    }
}
