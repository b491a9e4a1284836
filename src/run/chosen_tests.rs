//! What a run stands on: the tests, the checks of the settings, and the tests of other projects that the patch reaches into.

use crate::journal::{CheckChosen, Event, RelPath, TestsChosen};
use crate::settings::{Check, Redactor, Settings, TestCommand};
use crate::testing::{self, Detected};
use crate::workspace::Repository;

/// What is said besides of a command that was found once it was known what changed.
const NEAREST: &str = "nearest to what changed";

/// The tests of a run, and what it has to pass besides.
#[derive(Clone, Debug)]
pub(crate) struct ChosenTests {
    /// `None` when none is known, or none is wanted.
    pub command: Option<TestCommand>,
    /// Where it comes from, or why there is none.
    pub origin: String,
    /// In the order in which they are run, before the tests.
    pub checks: Vec<ChosenCheck>,
    /// Nobody gave a command, so that what changes has a say.
    detected: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ChosenCheck {
    pub check: Check,
    /// Where the check comes from, for people.
    pub origin: String,
}

impl ChosenTests {
    /// What the settings say, else what the repository's files tell.
    pub(crate) fn choose(settings: &Settings, repository: &Repository) -> Self {
        if !settings.verify.value {
            let origin = settings.verify.origin.to_string();
            return Self { command: None, origin, checks: Vec::new(), detected: false };
        }
        let checks = settings.checks.value.iter().map(|check| ChosenCheck {
            check: Check { command: Self::reporting(check.command.clone(), repository), ..check.clone() },
            origin: settings.checks.origin.to_string(),
        });
        let checks = checks.collect();
        if let Some(command) = &settings.test.value {
            let command = Some(Self::reporting(command.clone(), repository));
            return Self { command, origin: settings.test.origin.to_string(), checks, detected: false };
        }
        let (command, origin) = match testing::detect(repository.guiding_root(), repository.focus()) {
            Some(found) => (Some(Self::reporting(found.command, repository)), found.origin),
            None => (None, "no test command found; give one with --test".to_owned()),
        };
        Self { command, origin, checks, detected: true }
    }

    /// Those that a journal tells of, as they were typed; the tests as they are here where these are the same.
    pub(crate) fn recalled(self, told: &TestsChosen, repository: &Repository, redactor: &Redactor) -> Self {
        let typed =
            |line: &str, dir: Option<RelPath>| Self::reporting(TestCommand::shell(line).in_dir(dir), repository);
        let checks = told.checks.iter().map(|check| ChosenCheck {
            check: Check {
                name: check.name.clone(),
                command: typed(&check.command, check.dir.clone()),
                required: check.required,
            },
            origin: check.origin.clone(),
        });
        let checks = checks.collect();
        let here = self.event(redactor);
        if (&here.command, &here.origin) == (&told.command, &told.origin) {
            return Self { checks, ..self };
        }
        let command = told.command.as_deref().map(|line| typed(line, None));
        Self { command, origin: told.origin.clone(), checks, detected: false }
    }

    /// Adds the tests of the projects that hold what changed, unless a person gave the command. The user's own files say
    /// which projects there are: a manifest that the patch wrote has no say. Returns what there is to tell.
    pub(crate) fn follow(&mut self, changed: &[RelPath], repository: &Repository, redactor: &Redactor) -> Vec<Event> {
        if !self.detected {
            return Vec::new();
        }
        let plain = self.command.clone();
        let mut told = Vec::new();
        for Detected { command, origin } in testing::detect_near(repository.guiding_root(), changed, plain.as_ref()) {
            let (command, origin) = (Self::reporting(command, repository), format!("{origin}, {NEAREST}"));
            if self.command.is_none() {
                (self.command, self.origin) = (Some(command), origin);
                told.push(Event::TestsChosen(self.event(redactor)));
            } else if !self.runs_already(&command) {
                let name = command.dir.as_ref().map_or_else(|| "./".to_owned(), |dir| format!("{dir}/"));
                let added = ChosenCheck { check: Check { name, command, required: true }, origin };
                told.push(Event::CheckAdded(added.event(redactor)));
                self.checks.push(added);
            }
        }
        told
    }

    /// The tests of the projects that hold what changed.
    pub(crate) fn near(changed: &[RelPath], repository: &Repository) -> Vec<TestCommand> {
        let found = testing::detect_near(repository.guiding_root(), changed, None);
        found.into_iter().map(|found| Self::reporting(found.command, repository)).collect()
    }

    /// `command`, told to write down single results.
    pub(crate) fn reporting(command: TestCommand, repository: &Repository) -> TestCommand {
        let reporting = testing::reporting(&command, repository.root());
        command.reporting(reporting)
    }

    fn runs_already(&self, command: &TestCommand) -> bool {
        self.command.iter().chain(self.checks.iter().map(|known| &known.check.command)).any(|known| known == command)
    }

    /// As everybody may read of them: a person's command may have a secret in it.
    pub(crate) fn event(&self, redactor: &Redactor) -> TestsChosen {
        TestsChosen {
            command: self.command.as_ref().map(|command| typed(command, redactor)),
            origin: self.origin.clone(),
            checks: self.checks.iter().map(|check| check.event(redactor)).collect(),
        }
    }
}

impl ChosenCheck {
    fn event(&self, redactor: &Redactor) -> CheckChosen {
        let Check { name, command, required } = &self.check;
        CheckChosen {
            name: name.clone(),
            command: typed(command, redactor),
            dir: command.dir.clone(),
            origin: self.origin.clone(),
            required: *required,
        }
    }
}

fn typed(command: &TestCommand, redactor: &Redactor) -> String {
    redactor.text(&command.to_string()).into_owned()
}
