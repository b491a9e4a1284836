//! The run's environment as the planner verifies in it: tests and checks on the patch, and what they say of it.

use std::slice;
use std::time::Duration;

use tokio::time::Instant;

use super::environment::{RunEnvironment, WrittenPatch};
use super::environment_errors::{broken, unkept};
use super::failure_causes;
use super::guard::{PatchContents, TestEvidence};
use super::patch_verification::PatchVerification;
use super::start_state::results_of;
use crate::journal::{Event, FailureCause, Matrix, RelPath, Reproduction, TestsTouched};
use crate::planner::{EnvironmentError, JudgedCheck, Judgement, Obstacle, Ran, Verifier};
use crate::testing::{self, Baseline};
use crate::tools::TestRun;
use crate::workspace::{Blobs, TreeIds};

impl RunEnvironment {
    /// The start state measured anew, where an earlier run's result lacks what `runs` tell of.
    async fn renewed(&mut self, name: Option<&str>, runs: &[TestRun], deadline: Instant) -> Vec<Event> {
        if !self.start.renew(name, &results_of(runs)) {
            return Vec::new();
        }
        self.baseline(name, deadline.saturating_duration_since(Instant::now())).await
    }

    fn excuse(&self, runs: &[TestRun], matrix: Option<&Matrix>) -> Option<FailureCause> {
        let excuse = |hidden: testing::Hidden<'_>| failure_causes::excuse(&self.start, runs, matrix, hidden);
        testing::with_hidden(runs.last()?, &self.folder.logs(), self.trials.hidden(), excuse)
    }

    /// What the tests tell of the start state and of the patch.
    fn told(&self, runs: &[TestRun], matrix: Option<&Matrix>) -> TestEvidence {
        TestEvidence {
            before: self.start.known(None).map(Baseline::results).unwrap_or_default(),
            after: results_of(runs),
            passes: runs.last().is_some_and(TestRun::passed),
            fixed: matrix.map(|matrix| matrix.fixed.clone()).unwrap_or_default(),
        }
    }

    /// `runs` of the tests, or of the check of that name, beside those on the start state.
    pub(super) fn compare(&self, name: Option<&str>, runs: &[TestRun]) -> Option<Matrix> {
        testing::compare(&self.start.known(name)?.results(), &results_of(runs))
    }

    /// How the patch as it stands touches tests.
    fn look(&self, told: &TestEvidence) -> Result<TestsTouched, EnvironmentError> {
        let WrittenPatch { changes, files } = &self.written;
        let blobs = Blobs::at(&self.folder.blobs());
        let touched = self.guard.look(&PatchContents { changes, files, blobs: &blobs, told });
        touched.map_err(|error| unkept(&self.folder.blobs(), error))
    }
}

impl Verifier for RunEnvironment {
    async fn obstacle(&mut self) -> (Vec<Event>, Option<Obstacle>) {
        if self.goes_on {
            return (Vec::new(), None);
        }
        (self.baseline(None, Duration::ZERO).await, failure_causes::obstacle(&self.start))
    }

    fn is_whole(&self, run: &TestRun) -> bool {
        self.is_of_all_tests(run)
    }

    fn takes_what_tests_write(&self) -> bool {
        self.takes_writes
    }

    async fn follow(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        let paths: Vec<RelPath> = self.written.changes.entries.iter().map(|entry| entry.path.clone()).collect();
        let told = self.tests.follow(&paths, &self.repository, &self.redactor);
        self.tests.command.iter().for_each(|command| self.certificate.look(command));
        self.trials.stand_on(self.tests.command.clone(), Vec::new());
        self.measure();
        Ok(told)
    }

    fn checks(&self) -> Vec<(String, bool)> {
        self.tests.checks.iter().map(|chosen| (chosen.check.name.clone(), chosen.check.required)).collect()
    }

    async fn run_check(&mut self, name: &str) -> Result<TestRun, EnvironmentError> {
        let known = self.tests.checks.iter().find(|chosen| chosen.check.name == name);
        let chosen = known.ok_or_else(|| broken(format!("there is no check called {name}"), None))?;
        let command = chosen.check.command.clone();
        self.run_on_patch(&command).await
    }

    async fn verify(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        let Some(command) = self.tests.command.clone() else { return Ok(None) };
        Ok(Some(self.run_on_patch(&command).await?))
    }

    async fn verify_afresh(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        match self.run_afresh().await {
            Some(run) => {
                self.not_alone = None;
                let run = match self.tests.command.clone() {
                    Some(command) if !self.beside.is_empty() => self.with_what_it_needs(&command, run).await?,
                    _ => run,
                };
                Ok(Some(run))
            }
            None => self.verify().await,
        }
    }

    async fn trees(&mut self) -> Option<TreeIds> {
        self.start.trees_with(self.written.changes.clone()).await
    }

    async fn judge(&mut self, ran: Ran<'_>, patience: Duration) -> Result<Judgement, EnvironmentError> {
        let deadline = Instant::now() + patience;
        let mut judged = Judgement { events: std::mem::take(&mut self.untold), ..Judgement::default() };
        judged.events.extend(self.baseline(None, patience).await);
        judged.events.extend(self.renewed(None, ran.tests, deadline).await);
        judged.events.extend(self.start.seen());
        judged.matrix = self.compare(None, ran.tests);
        let mut told = self.told(ran.tests, judged.matrix.as_ref());
        let mut all = judged.matrix.clone();
        for check in ran.checks {
            let (name, left) = (Some(&*check.name), deadline.saturating_duration_since(Instant::now()));
            judged.events.extend(self.baseline(name, left).await);
            judged.events.extend(self.renewed(name, slice::from_ref(&check.run), deadline).await);
            let matrix = self.compare(name, slice::from_ref(&check.run));
            if let Some(matrix) = &matrix {
                told.fixed.extend(matrix.fixed.iter().cloned());
                all.get_or_insert_default().add(&check.name, matrix);
            }
            let before = self.start.known(name).and_then(|baseline| baseline.runs.last());
            judged.checks.push(JudgedCheck { passed_before: before.map(|run| run.ran.result.passed), matrix });
        }
        judged.events.extend(all.clone().map(Event::Compared));
        if !ran.tests.is_empty() {
            let noted = self.certificate.add(self.start.known_or_why(None), ran.tests).await;
            judged.events.extend(noted.map_err(|error| unkept(&self.folder.results(), error))?);
        }
        let touched = self.look(&told)?;
        self.judged = PatchVerification {
            runs: ran.tests.to_vec(),
            checks: ran.checks.to_vec(),
            matrix: judged.matrix.clone(),
            all,
            tests_edited: touched.allowed.is_some(),
            reproduction: None,
        };
        judged.cause = self.excuse(ran.tests, judged.matrix.as_ref());
        judged.refusing.clone_from(&touched.refused_for);
        judged.events.push(Event::TestsTouched(touched));
        Ok(judged)
    }

    async fn reproduction(&mut self, patience: Duration) -> Result<Vec<Event>, EnvironmentError> {
        let (mut events, told) = self.look_for_reproduction(patience).await?;
        let told = Reproduction { asked: self.reproduce, ..told };
        self.judged.reproduction = Some(told.clone());
        events.push(Event::Reproduced(told));
        Ok(events)
    }
}
