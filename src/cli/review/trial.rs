//! The tests on what a person accepted, in a view of its own: the run's evidence is about the whole patch.

use std::sync::Arc;

use tokio::sync::watch;

use super::desk::Desk;
use crate::cli::failure::Failure;
use crate::cli::fix::{ChosenTests, read_results, worker_plan};
use crate::evidence::{self, Trials};
use crate::journal::{Event, Journal as _, Outcome, TestPurpose, TestsRan};
use crate::planner::tests_ran;
use crate::settings::{Sandbox, TestCommand};
use crate::tools::TestRun;
use crate::worker::OverlayPlan;
use crate::workspace::{ChangeSet, remove_tree};

/// The name of the trial, and of the folder of its logs.
const NAME: &str = "review";
/// Tests that fail are run once more: it may have been bad luck.
const TIMES: u32 = 2;
/// Paths that are looked at for folders of dependencies.
const MAX_PATHS: usize = 100_000;

impl Desk {
    /// Runs the tests of the run on the start state with `changes`, and notes how they went. `None`: there are none.
    ///
    /// # Errors
    /// When they can't be run, or `called_off` turns true.
    pub async fn try_out(
        &mut self,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<Option<TestRun>, Failure> {
        let Some(tests) = self.tests() else { return Ok(None) };
        let trials = self.trials(tests);
        let held = trials.hold(NAME, changes, TIMES, called_off).await;
        // What can't be removed now goes with what else killed runs leave.
        let _ = remove_tree(&self.run.trials());
        let mut last = None;
        for mut run in held? {
            let logs = self.run.logs().join(NAME);
            read_results(&mut run, &logs, &self.redactor).map_err(anyhow::Error::from)?;
            run.log = format!("{NAME}/{}", run.log);
            let ran: TestsRan = tests_ran(run.clone(), TestPurpose::Review, None);
            self.journal.append(vec![Event::TestsRan(ran)])?;
            last = Some(run);
        }
        Ok(last)
    }

    /// The tests that the run stood on.
    fn tests(&self) -> Option<TestCommand> {
        let told = self.report.tests.command.as_ref()?;
        let now = ChosenTests::choose(&self.settings, &self.repository).command;
        if let Some(same) = now.filter(|now| now.to_string() == *told) {
            return Some(same);
        }
        // It was given by a flag, or the settings are others by now.
        let command = TestCommand::shell(told);
        let reporting = evidence::reporting(&command, self.repository.root());
        Some(command.reporting(reporting))
    }

    fn trials(&self, tests: TestCommand) -> Trials {
        let dependencies = self.settings.dependencies.value.clone();
        let mut plan = worker_plan(&self.settings, &self.run, self.run.view());
        let outline = self.repository.outline_paths(MAX_PATHS);
        plan.readable = self.repository.dependency_targets(&dependencies, &outline);
        plan.tests = Some(tests);
        // That an overlay is wanted; its folders are the trial's own.
        plan.overlay = (self.settings.sandbox.value != Sandbox::Off).then(|| OverlayPlan {
            tree: self.repository.root().to_owned(),
            layers: self.run.overlay(),
            git: Vec::new(),
        });
        Trials {
            repository: self.repository.clone(),
            plan,
            dependencies,
            folder: self.run.trials(),
            blobs: self.run.blobs(),
            residue: Arc::default(),
        }
    }
}

impl From<evidence::TrialError> for Failure {
    fn from(error: evidence::TrialError) -> Self {
        let hint = "`kcode doctor` tells what works here; --no-verify applies what you accept without tests";
        match error {
            evidence::TrialError::Changes(moved_on) => moved_on.into(),
            evidence::TrialError::View(view) => view.into(),
            evidence::TrialError::CalledOff => {
                Self::new(Outcome::Interrupted, "the tests were called off", "review again")
            }
            error => Self::new(Outcome::Internal, format!("the tests can't be run: {error}"), hint),
        }
    }
}
