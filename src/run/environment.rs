//! What the planner works at: the worker's tools, the private view and its patch, the tests.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::certificate::Certificate;
use super::chosen_tests::ChosenTests;
use super::copy_instead::COPIED_TEXT;
use super::environment_errors::{broken, from_workspace, unkept};
use super::guard::{PatchContents, TamperGuard, TestEvidence};
use super::replay_context::ReplayContext;
use super::reproduction::{self, PatchVerification};
use super::setup;
use super::start_state::{StartState, results_of};
use super::test_runs;
use super::trial_runs::TrialRuns;
use super::view_slot::ViewSlot;
use crate::journal::{
    CheckRan, Event, FailureCause, FileChange, GeneratedFile, Matrix, PatchWritten, RelPath, Reproduction, Residue,
    RunFolder, TestsRan, TestsTouched,
};
use crate::model::ToolCall;
use crate::planner::{EnvironmentError, JudgedCheck, Judgement, Obstacle, Ran, ToolExecutor, Verifier};
use crate::sandbox::Worker;
use crate::settings::Redactor;
use crate::testing::{self, Baseline};
use crate::tools::{self, Access, Observation, TestRun};
use crate::workspace::{Blobs, ChangeSet, Repository, TreeIds, write_patch};

/// Files of commands that are told by name, besides those in the patch.
const MOST_GENERATED: usize = 100;

/// The environment of a real run.
pub struct RunEnvironment {
    /// Who has the tools.
    pub worker: Worker,
    /// What they work on.
    pub view: ViewSlot,
    /// Where the run is kept.
    pub folder: RunFolder,
    /// Whose state it was at the start.
    pub repository: Repository,
    /// What stands behind the patch.
    pub tests: ChosenTests,
    /// Takes known secrets out of what comes from behind the wall.
    pub redactor: Redactor,
    /// What is known of the state that the run started from.
    pub start: StartState,
    /// Who looks at what the patch does to tests.
    pub guard: TamperGuard,
    /// What is noted for whoever checks the run later.
    pub certificate: Certificate,
    /// What the patch changes, as last written.
    pub changed: Vec<FileChange>,
    /// Tests beside the run.
    pub trials: TrialRuns,
    /// `--allow-failing-setup`.
    pub goes_on: bool,
    /// `--reproduce`.
    pub reproduce: bool,
    /// Tests that failed in any run so far.
    pub seen_failing: BTreeSet<String>,
    /// What the patch was last judged by.
    pub judged: PatchVerification,
    /// The run that is played again, in a replay.
    pub again: Option<Arc<ReplayContext>>,
    /// What commands wrote to the run's view and the patch doesn't hold.
    pub beside: Vec<GeneratedFile>,
    /// Why tests ran with that, where they couldn't run without.
    pub not_alone: Option<String>,
    /// How often they ran without, in views of their own.
    pub alone: u32,
    /// Files that commands write may become part of the patch.
    pub takes_writes: bool,
    /// The view is what the run started from: nothing was written to it, and no command ran in it.
    pub is_untouched: bool,
    /// What the journal is still to be told.
    pub untold: Vec<Event>,
}

impl RunEnvironment {
    /// Ends the worker and all that is being made or measured. Returns what had to be killed.
    pub async fn close(self) -> Residue {
        let mut residue = self.worker.stop().await;
        self.trials.close().await;
        residue += self.start.close().await;
        self.view.close().await;
        residue
    }

    /// Has the start state measured by every command that stands behind the patch.
    pub fn measure(&mut self) {
        let Self { tests, start, .. } = self;
        tests.command.iter().for_each(|command| start.measure(None, command));
        tests.checks.iter().for_each(|chosen| start.measure(Some(&chosen.check.name), &chosen.check.command));
    }

    /// Has the smaller patches that are tried from now on pass what the patch passes.
    pub fn try_with_checks(&mut self) {
        let checks = self.tests.checks.iter().map(|chosen| chosen.check.command.clone());
        self.trials.stand_on(self.tests.command.clone(), checks.collect());
    }

    /// Waits for the start state's tests, or for the check of that name; tells how they went, the first time that it is known.
    pub async fn baseline(&mut self, name: Option<&str>, patience: Duration) -> Vec<Event> {
        let is_news = self.start.wait(name, patience).await;
        let told = self.start.known(name).filter(|_| is_news).into_iter().flat_map(|baseline| &baseline.runs);
        let told = told.filter(|run| !run.is_own);
        let event = |ran: TestsRan| match name {
            None => Event::TestsRan(ran),
            Some(name) => Event::CheckRan(CheckRan { name: name.to_owned(), ran }),
        };
        told.map(|run| event(run.ran.clone())).collect()
    }

    /// The start state measured anew, where an earlier run's result lacks what `runs` tell of.
    async fn renewed(&mut self, name: Option<&str>, runs: &[TestRun], deadline: Instant) -> Vec<Event> {
        if !self.start.renew(name, &results_of(runs)) {
            return Vec::new();
        }
        self.baseline(name, deadline.saturating_duration_since(Instant::now())).await
    }

    fn excuse(&self, runs: &[TestRun], matrix: Option<&Matrix>) -> Option<FailureCause> {
        let excuse = |hidden: testing::Hidden<'_>| setup::excuse(&self.start, runs, matrix, hidden);
        test_runs::with_hidden(runs.last()?, &self.folder.logs(), self.trials.hidden(), excuse)
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
    pub fn compare(&self, name: Option<&str>, runs: &[TestRun]) -> Option<Matrix> {
        testing::compare(&self.start.known(name)?.results(), &results_of(runs))
    }

    /// How the patch as it stands touches tests.
    fn look(&self, told: &TestEvidence) -> Result<TestsTouched, EnvironmentError> {
        let blobs = Blobs::at(&self.folder.blobs());
        let look = |changes: &ChangeSet| {
            self.guard.look(&PatchContents { changes, files: &self.changed, blobs: &blobs, told })
        };
        let touched = ChangeSet::load(&self.folder.changes()).and_then(|changes| look(&changes));
        touched.map_err(|error| unkept(&self.folder.changes(), error))
    }
}

impl ToolExecutor for RunEnvironment {
    fn access(&self, tool: &str) -> Access {
        tools::access(tool).unwrap_or(Access::Read)
    }

    async fn prepare(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        let mut events = self.baseline(None, Duration::ZERO).await;
        for (name, _) in self.checks() {
            events.extend(self.baseline(Some(&name), Duration::ZERO).await);
        }
        events.extend(self.view.wait().await?.map(Event::ViewMade));
        events.extend(self.go_on_in_copy().await?);
        events.append(&mut self.untold);
        events.extend(self.start.seen());
        Ok(events)
    }

    async fn call(&self, call: &ToolCall) -> Result<Observation, EnvironmentError> {
        // Calls of one reply begin in their order, and end in any.
        let scripted = self.again.as_ref().map(|again| (&again.script, again.script.begin_call()));
        if let (ViewSlot::Made(view), Some(path)) = (&self.view, tools::written_path(&call.name, &call.arguments)) {
            view.keep(&path).map_err(|error| from_workspace(&error))?;
        }
        let lending = self
            .is_untouched
            .then(|| tools::runs_all_tests(&call.name, &call.arguments))
            .filter(|all| *all)
            .map(|_| self.start.lend());
        let mut observation =
            self.worker.call(&call.name, &call.arguments).await.map_err(|error| self.worker_failed(&error))?;
        if let Some(run) = &mut observation.tests {
            self.finish(run)?;
            let told = if self.begins_to_copy(run) { COPIED_TEXT.to_owned() } else { setup::told(run) };
            if let Some(lending) = lending.filter(|_| self.is_whole(run)) {
                lending.end(run);
            }
            observation.text.push_str(&told);
            if let Some(counts) = run.counts {
                observation.summary = format!("{} passed, {} failed", counts.passed, counts.failed);
            }
        }
        self.redactor.clean(&mut observation.text);
        self.redactor.clean(&mut observation.summary);
        if let Some((script, number)) = scripted {
            script.answer(number, &mut observation);
        }
        Ok(observation)
    }

    async fn patch(&mut self, observations: &[Observation]) -> Result<PatchWritten, EnvironmentError> {
        let touched: Vec<RelPath> = observations.iter().flat_map(|o| o.touched.iter().cloned()).collect();
        let anything = observations.iter().any(|o| o.tests.is_some());
        self.is_untouched &= !anything && touched.is_empty();
        self.seen_failing.extend(reproduction::failing(observations));
        let (patch_path, changes_path) = (self.folder.patch(), self.folder.changes());
        let again = self.again.clone();
        let view = self.view.made()?;
        let mut patch = testing::patch_of(view, touched, anything).await.map_err(|error| from_workspace(&error))?;
        if let Some(again) = again.filter(|again| !again.applied.is_empty()) {
            patch = view.restate(patch, &again.applied).map_err(|error| from_workspace(&error))?;
        }
        patch.changes.save(&changes_path).map_err(|error| unkept(&changes_path, error))?;
        write_patch(&patch_path, &patch).map_err(|error| from_workspace(&error))?;
        let left_out = patch.left_out.iter().map(ToString::to_string).chain(self.not_alone.clone()).collect();
        self.changed.clone_from(&patch.files);
        self.beside = patch.generated.iter().filter(|file| !file.included).cloned().collect();
        let (generated, generated_more) = told_by_name(patch.generated);
        let (sha256, files, named_nothing) = (patch.sha256, patch.files, patch.named_nothing);
        Ok(PatchWritten { sha256, files, left_out, generated, generated_more, named_nothing })
    }

    fn written_files(&self) -> Vec<FileChange> {
        self.changed.clone()
    }

    fn wording(&self, text: &str) -> String {
        self.again.as_ref().map_or_else(|| text.to_owned(), |again| again.script.wording(text))
    }

    async fn cancel(&self) {
        // A worker that is gone runs nothing any more.
        let _ = self.worker.cancel_all().await;
    }
}

impl Verifier for RunEnvironment {
    async fn obstacle(&mut self) -> (Vec<Event>, Option<Obstacle>) {
        if self.goes_on || self.again.is_some() {
            return (Vec::new(), None);
        }
        (self.baseline(None, Duration::ZERO).await, setup::obstacle(&self.start))
    }

    fn is_whole(&self, run: &TestRun) -> bool {
        self.is_of_all_tests(run)
    }

    fn takes_what_tests_write(&self) -> bool {
        self.takes_writes
    }

    async fn follow(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        let changes = ChangeSet::load(&self.folder.changes()).map_err(|error| unkept(&self.folder.changes(), error))?;
        let paths: Vec<RelPath> = changes.entries.into_iter().map(|entry| entry.path).collect();
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
        let run = self.run_on_patch(&command).await?;
        Ok(Some(self.as_it_took(run)))
    }

    async fn verify_afresh(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        match self.run_afresh().await {
            Some(run) => {
                self.not_alone = None;
                let run = match self.tests.command.clone() {
                    Some(command) if !self.beside.is_empty() => self.with_what_it_needs(&command, run).await?,
                    _ => run,
                };
                Ok(Some(self.as_it_took(run)))
            }
            None => self.verify().await,
        }
    }

    async fn trees(&mut self) -> Option<TreeIds> {
        let changes = ChangeSet::load(&self.folder.changes()).ok()?;
        self.start.trees_with(changes).await
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

/// All files that are in the patch and the first others, named ones before all; and how many more there are.
fn told_by_name(generated: Vec<GeneratedFile>) -> (Vec<GeneratedFile>, u64) {
    let (mut told, mut others): (Vec<_>, Vec<_>) = generated.into_iter().partition(|file| file.included);
    others.sort_by_key(|file| file.not_taken.is_none());
    let more = others.len().saturating_sub(MOST_GENERATED);
    others.truncate(MOST_GENERATED);
    told.extend(others);
    told.sort_by(|one, other| one.path.cmp(&other.path));
    (told, more as u64)
}
