//! Runs tests and checks in a trial.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use super::error::TrialError;
use super::sandbox::{TrialSandbox, unless};
use super::setup::Trials;
use crate::sandbox::Worker;
use crate::settings::TestCommand;
use crate::testing::copies::failed_to_rename;
use crate::testing::patching::patch_of;
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, Patch};

/// Most runs of the tests on a patch, until they no longer change it.
const PROOFS: u32 = 2;

/// What to run in a trial, and on which changes.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// Name of the trial, and of the folder of its logs.
    pub name: &'a str,
    /// Changes that the trial's view applies to the start state.
    pub changes: &'a ChangeSet,
    /// Whether tests or checks run first.
    pub order: TrialOrder,
    /// Most runs of a command; it is repeated while it fails.
    pub times: u32,
}

/// Order of tests and checks in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialOrder {
    /// The tests; if they pass, each check once.
    TestsFirst,
    /// Checks, then tests, as at the end of a run. A failed check is repeated, too, and its last run counts.
    ChecksFirst,
}

/// Results of a trial.
#[derive(Debug)]
pub struct TrialResult {
    /// All runs of the tests.
    pub tests: Vec<TestRun>,
    /// Runs of the checks, in their order; empty if the tests came first and failed.
    pub checks: Vec<TestRun>,
}

/// A part of a patch on which the tests ran, in a view of its own.
#[derive(Debug)]
pub struct VerifiedPatch {
    /// Run of the tests.
    pub run: TestRun,
    /// Runs of the checks, in their order.
    pub checks: Vec<TestRun>,
    /// Patch of the view, the same before and after the tests ran.
    pub patch: Patch,
}

impl Trials {
    /// Runs tests and checks on the start state with the changes of `trial`; repeats them in a copy if they failed
    /// because of the overlay.
    ///
    /// # Errors
    /// If no view or worker can be made, or `called_off` becomes true. Nothing is left behind either way.
    pub async fn hold(&self, trial: Trial<'_>, called_off: watch::Receiver<bool>) -> Result<TrialResult, TrialError> {
        let mut held = self.hold_once(trial, called_off.clone()).await?;
        if self.copies.begin_if(self.plan.overlay.is_some(), || self.failed_to_rename(trial.name, &held)) {
            self.read_all(trial.name, &mut held)?;
            held = self.hold_once(trial, called_off).await?;
            if self.failed_to_rename(trial.name, &held) {
                self.copies.forget();
            }
        }
        self.read_all(trial.name, &mut held)?;
        Ok(held)
    }

    /// Runs checks and tests on the start state with `changes`, and returns the patch of their view, which may contain
    /// more, such as a lock file that they wrote. In that case they run once more, so that they ran on what the patch
    /// describes.
    ///
    /// # Errors
    /// As [`Trials::hold`].
    /// As [`Trials::hold`].
    pub async fn prove(
        &self,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<VerifiedPatch, TrialError> {
        let TrialSandbox { worker, view } = self.start(name, changes, called_off.clone()).await?;
        let all = async {
            let mut view = view.into_view(self, &self.folder(name))?;
            if let Some(writes) = &self.writes {
                view.tell_commands_from_tools(writes.clone());
            }
            let view = Arc::new(view);
            let mut ran_on = patch_of(&view, Vec::new(), true).await?.sha256;
            for _ in 0..PROOFS {
                let mut checks = self.run_checks(&worker).await?;
                let mut run = worker.run_tests(&[]).await?;
                [&mut run].into_iter().chain(&mut checks).try_for_each(|run| self.read(run, name))?;
                let patch = patch_of(&view, Vec::new(), true).await?;
                if patch.sha256 == ran_on {
                    return Ok(VerifiedPatch { run, checks, patch });
                }
                ran_on = patch.sha256;
            }
            Err(TrialError::Restless)
        };
        let proven = unless(called_off.clone(), all).await;
        self.end(name, worker, &called_off).await;
        proven
    }

    /// Runs the trial once and returns the worker's results.
    async fn hold_once(&self, trial: Trial<'_>, called_off: watch::Receiver<bool>) -> Result<TrialResult, TrialError> {
        let TrialSandbox { worker, view: _view } = self.start(trial.name, trial.changes, called_off.clone()).await?;
        let held = unless(called_off.clone(), self.run(&worker, trial)).await;
        self.end(trial.name, worker, &called_off).await;
        held
    }

    async fn run(&self, worker: &Worker, trial: Trial<'_>) -> Result<TrialResult, TrialError> {
        match trial.order {
            TrialOrder::TestsFirst => {
                let tests = self.run_tests(worker, trial.times).await?;
                let passed = tests.last().is_some_and(TestRun::passed);
                let checks = if passed { self.run_checks(worker).await? } else { Vec::new() };
                Ok(TrialResult { tests, checks })
            }
            TrialOrder::ChecksFirst => {
                let mut checks = Vec::new();
                for command in &self.checks {
                    let mut runs = repeat(worker, command, trial.times).await?;
                    checks.extend(runs.pop());
                    // The other runs are no longer needed, but their logs are kept.
                    runs.iter_mut().try_for_each(|run| self.read(run, trial.name))?;
                }
                Ok(TrialResult { tests: self.run_tests(worker, trial.times).await?, checks })
            }
        }
    }

    async fn run_tests(&self, worker: &Worker, times: u32) -> Result<Vec<TestRun>, TrialError> {
        match &self.plan.tests {
            Some(command) => repeat(worker, command, times).await,
            None => Ok(Vec::new()),
        }
    }

    async fn run_checks(&self, worker: &Worker) -> Result<Vec<TestRun>, TrialError> {
        let mut runs = Vec::new();
        for command in &self.checks {
            runs.push(worker.run_command(command).await?);
        }
        Ok(runs)
    }

    fn read_all(&self, name: &str, held: &mut TrialResult) -> io::Result<()> {
        held.tests.iter_mut().chain(&mut held.checks).try_for_each(|run| self.read(run, name))
    }

    /// Whether the last run of the tests or checks failed because a rename was refused.
    fn failed_to_rename(&self, name: &str, held: &TrialResult) -> bool {
        let logs = self.plan.logs.join(name);
        [&held.tests, &held.checks].into_iter().filter_map(|runs| runs.last()).any(|run| failed_to_rename(run, &logs))
    }
}

/// Runs `command` up to `times` times, while it fails.
async fn repeat(worker: &Worker, command: &TestCommand, times: u32) -> Result<Vec<TestRun>, TrialError> {
    let mut runs: Vec<TestRun> = Vec::new();
    while runs.len() < times as usize {
        let run = worker.run_command(command).await?;
        let again = !run.passed() && run.stopped.is_none();
        runs.push(run);
        if !again {
            break;
        }
    }
    Ok(runs)
}
