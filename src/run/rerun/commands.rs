//! What a verification runs. A run's own folder is trusted with commands; a report that came from somewhere isn't: its commands
//! are only compared with those that are chosen here.

use super::subject::{PatchSource, Subject};
use crate::journal::{CheckChosen, Outcome, RelPath};
use crate::run::chosen_tests::ChosenTests;
use crate::run::failure::Failure;
use crate::settings::{Redactor, Settings, TestCommand, holds_marker};
use crate::testing::command_of;
use crate::workspace::Repository;

/// The commands to run.
pub(crate) struct Commands {
    pub tests: TestCommand,
    /// The report's checks in its order; `None` where nothing here says the same command.
    pub checks: Vec<Option<TestCommand>>,
    /// Notes for people, a sentence each.
    pub notes: Vec<String>,
}

/// Chooses the commands to run again.
pub(crate) struct Choosing<'a> {
    pub subject: &'a Subject,
    /// True when a person gave the command for the tests.
    pub is_given: bool,
    pub settings: &'a Settings,
    pub repository: &'a Repository,
    /// The report's commands are without secrets.
    pub redactor: &'a Redactor,
}

impl Choosing<'_> {
    /// Chooses.
    ///
    /// # Errors
    /// When the report's test command is none that is chosen here, and it isn't trusted to bring its own.
    pub(crate) fn commands(&self) -> Result<Commands, Failure> {
        let chosen = ChosenTests::choose(self.settings, self.repository);
        let near = ChosenTests::near(&self.subject.paths(), self.repository);
        let (tests, notes) = self.tests(chosen.command, &near)?;
        Ok(Commands { tests, checks: self.checks(), notes })
    }

    pub(crate) fn checks(&self) -> Vec<Option<TestCommand>> {
        let own = ChosenTests::choose(self.settings, self.repository).checks.into_iter();
        let near = ChosenTests::near(&self.subject.paths(), self.repository);
        let known: Vec<TestCommand> = own.map(|chosen| chosen.check.command).chain(near).collect();
        self.subject.report.checks.iter().map(|check| self.check(&check.chosen, &known)).collect()
    }

    fn tests(&self, chosen: Option<TestCommand>, near: &[TestCommand]) -> Result<(TestCommand, Vec<String>), Failure> {
        let report = &self.subject.report;
        let said = report.tests.command.clone().unwrap_or_default();
        let recorded = report.certificate.environment.as_ref().map(|seen| command_of(&seen.command));
        let is_said = |command: &TestCommand| {
            self.is(command, &said, recorded.as_ref().map_or(&command.dir, |recorded| &recorded.dir).as_ref())
        };
        if let Some(command) = chosen.as_ref().filter(|command| self.is_given || is_said(command)) {
            let other = (!is_said(command)).then(|| format!("the report's tests are those of: {said}"));
            return Ok((command.clone(), other.into_iter().collect()));
        }
        if let Some(command) = near.iter().find(|command| is_said(command)) {
            return Ok((command.clone(), Vec::new()));
        }
        if let (PatchSource::Run(_), Some(command)) = (&self.subject.source, recorded.filter(|_| !holds_marker(&said)))
        {
            let now = chosen.map_or_else(|| "none".to_owned(), |command| self.shown(&command));
            return Ok((command, vec![format!("a run that starts now would choose another test command: {now}")]));
        }
        let message = format!("the report's test command isn't the one that is chosen here: {said}");
        Err(Failure::new(Outcome::Refused, message, "name the command to run: kcode verify … --test CMD"))
    }

    fn check(&self, check: &CheckChosen, known: &[TestCommand]) -> Option<TestCommand> {
        if let Some(command) = known.iter().find(|command| self.is(command, &check.command, check.dir.as_ref())) {
            return Some(command.clone());
        }
        let is_trusted = matches!(self.subject.source, PatchSource::Run(_)) && !holds_marker(&check.command);
        // An argv was quoted for a shell.
        let line = || TestCommand::shell(&check.command).in_dir(check.dir.clone());
        is_trusted.then(|| ChosenTests::reporting(line(), self.repository))
    }

    /// Whether `command` is the one that was told so.
    fn is(&self, command: &TestCommand, told: &str, dir: Option<&RelPath>) -> bool {
        command.dir.as_ref() == dir && self.shown(command) == told
    }

    fn shown(&self, command: &TestCommand) -> String {
        self.redactor.text(&command.to_string()).into_owned()
    }
}
