//! Trials that a run holds beside its own view, one at a time: on the start state with a part of the patch.
//!
//! A trial is a task of its own. Whoever stops waiting for one, because a person interrupted, leaves it to
//! [`TrialRuns::close`], which ends it in order, so that nothing of it outlives the run.

use std::path::PathBuf;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::settings::TestCommand;
use crate::testing::{Trial, TrialError, TrialOrder, TrialResult, Trials, VerifiedPatch};
use crate::tools::TestRun;
use crate::workspace::ChangeSet;

pub(super) struct TrialRuns {
    trials: Trials,
    running: Option<Running>,
}

struct Running {
    ended: JoinHandle<()>,
    off: watch::Sender<bool>,
}

impl TrialRuns {
    pub(super) const fn new(trials: Trials) -> Self {
        Self { trials, running: None }
    }

    pub(super) const fn trials(&self) -> &Trials {
        &self.trials
    }

    /// Runs the tests on the start state with `changes`, up to `times` as long as they fail.
    ///
    /// # Errors
    /// What kept it from an end before `until`, as a clause for people.
    pub(super) async fn hold(
        &mut self,
        name: &str,
        changes: ChangeSet,
        times: u32,
        until: Instant,
    ) -> Result<TrialResult, String> {
        let trials = self.trials.clone();
        self.hold_in(trials, name, changes, times, until).await
    }

    /// Runs `command` once, and nothing else, on the start state with `changes`.
    ///
    /// # Errors
    /// As [`TrialRuns::hold`].
    pub(super) async fn run(
        &mut self,
        name: &str,
        command: &TestCommand,
        changes: ChangeSet,
        until: Instant,
    ) -> Result<TestRun, String> {
        let mut trials = self.trials.clone();
        (trials.plan.tests, trials.checks) = (Some(command.clone()), Vec::new());
        let held = self.hold_in(trials, name, changes, 1, until).await?;
        Ok(held.tests.into_iter().next().ok_or("it did not run")?)
    }

    /// The same for a part of the patch that is to become the patch.
    ///
    /// # Errors
    /// As [`TrialRuns::hold`].
    pub(super) async fn prove(
        &mut self,
        name: &str,
        changes: ChangeSet,
        until: Instant,
    ) -> Result<VerifiedPatch, String> {
        let (trials, name) = (self.trials.clone(), name.to_owned());
        self.bounded(until, async move |off| trials.prove(&name, &changes, off).await).await
    }

    async fn hold_in(
        &mut self,
        trials: Trials,
        name: &str,
        changes: ChangeSet,
        times: u32,
        until: Instant,
    ) -> Result<TrialResult, String> {
        let name = name.to_owned();
        self.bounded(until, async move |off| {
            let trial = Trial { name: &name, changes: &changes, order: TrialOrder::TestsFirst, times };
            trials.hold(trial, off).await
        })
        .await
    }

    /// From now on the tests are these, and these are the checks.
    pub(super) fn stand_on(&mut self, tests: Option<TestCommand>, checks: Vec<TestCommand>) {
        (self.trials.plan.tests, self.trials.checks) = (tests, checks);
    }

    pub(super) async fn close(mut self) {
        self.call_off().await;
    }

    async fn call_off(&mut self) {
        if let Some(Running { ended, off }) = self.running.take() {
            off.send_replace(true);
            // It was called off, so that it has nothing to tell.
            let _ = ended.await;
        }
    }

    async fn bounded<T: Send + 'static, W>(
        &mut self,
        until: Instant,
        work: impl FnOnce(watch::Receiver<bool>) -> W,
    ) -> Result<T, String>
    where
        W: Future<Output = Result<T, TrialError>> + Send + 'static,
    {
        self.call_off().await;
        let (off, called_off) = watch::channel(false);
        let (tell, told) = tokio::sync::oneshot::channel();
        let work = work(called_off);
        let ended = tokio::spawn(async move { drop(tell.send(work.await)) });
        self.running = Some(Running { ended, off });
        let Ok(told) = timeout_at(until, told).await else {
            self.call_off().await;
            return Err("there was no time left for it".to_owned());
        };
        let told = told.map_err(|_| "it broke off".to_owned())?;
        told.map_err(|error| self.trials.redactor.text(&error.to_string()).into_owned())
    }

    /// What the repository names outside of itself and nobody allowed.
    pub(super) fn hidden(&self) -> &[PathBuf] {
        &self.trials.plan.hidden
    }
}
