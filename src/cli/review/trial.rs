//! Tests and checks on what a person accepted, in a view of its own: the run's evidence is about the whole patch.

use std::sync::Arc;

use tokio::sync::watch;

use super::review_context::ReviewContext;
use crate::cli::verify::{Choosing, Subject, trial_failure};
use crate::journal::{CheckChosen, CheckRan, Event, Journal as _, TestPurpose};
use crate::planner::tests_ran;
use crate::run::{Failure, beside::Beside, read_results, show_dependencies, worker_plan};
use crate::sandbox::OverlayPlan;
use crate::settings::{TestCommand, Writes};
use crate::testing::{Copies, TrialResult, Trials};
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, remove_tree_soon};

/// The name of the trial, and of the folder of its logs.
const NAME: &str = "review";
/// What fails is run once more: it may have been bad luck.
const TIMES: u32 = 2;
/// Paths that are looked at for folders of dependencies.
const MAX_PATHS: usize = 100_000;

/// What the run stood on, as it is run again.
struct TestPlan {
    tests: Option<TestCommand>,
    /// `None` for one that nothing here says any more.
    checks: Vec<(CheckChosen, Option<TestCommand>)>,
}

/// How it went.
pub struct TrialOutcome {
    /// The tests, as often as they were run; empty when the run had none.
    pub tests: Vec<TestRun>,
    /// The checks; `None` for one that can't be run any more.
    pub checks: Vec<(CheckChosen, Option<TestRun>)>,
}

impl TrialOutcome {
    /// Whether nothing that a patch has to pass stands against it.
    pub fn passed(&self) -> bool {
        let has_passed = |run: &Option<TestRun>| run.as_ref().is_some_and(TestRun::passed);
        self.tests.last().is_none_or(TestRun::passed)
            && self.checks.iter().all(|(chosen, run)| !chosen.required || has_passed(run))
    }
}

impl ReviewContext {
    /// Runs what the run stood on once more, on the start state with `changes`, and notes how it went. `None`: it stood on
    /// nothing.
    ///
    /// # Errors
    /// When it can't be run, or `called_off` turns true.
    pub async fn try_out(
        &mut self,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<Option<TrialOutcome>, Failure> {
        let stand = self.stand()?;
        if stand.tests.is_none() && stand.checks.is_empty() {
            return Ok(None);
        }
        let trials = self.trials(&stand);
        let hidden = trials.plan.hidden.clone();
        let held = trials.rehearse(NAME, changes, TIMES, called_off).await;
        // What can't be removed now goes with what else killed runs leave.
        let left = self.run.trials();
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&left)).await;
        let TrialResult { mut tests, mut checks } = held.map_err(|error| trial_failure(&error, &self.redactor))?;
        for run in checks.iter_mut().chain(&mut tests) {
            read_results(run, &self.run.logs().join(NAME), &self.redactor, &hidden).map_err(anyhow::Error::from)?;
            run.log = format!("{NAME}/{}", run.log);
        }
        let mut ran = checks.into_iter();
        let of_check = |(chosen, command): (_, Option<_>)| (chosen, command.and_then(|_| ran.next()));
        let tried = TrialOutcome { tests, checks: stand.checks.into_iter().map(of_check).collect() };
        self.note_trial(&tried)?;
        Ok(Some(tried))
    }

    fn note_trial(&mut self, tried: &TrialOutcome) -> Result<(), Failure> {
        let ran = |run: &TestRun| tests_ran(run.clone(), TestPurpose::Review, None);
        let check = |(chosen, run): &(CheckChosen, Option<TestRun>)| {
            let run = run.as_ref()?;
            Some(Event::CheckRan(CheckRan { name: chosen.name.clone(), ran: ran(run) }))
        };
        let checks = tried.checks.iter().filter_map(check);
        let events = checks.chain(tried.tests.iter().map(|run| Event::TestsRan(ran(run))));
        Ok(self.journal.append(events.collect())?)
    }

    /// The tests and the checks of the run: its folder is trusted with commands.
    fn stand(&self) -> Result<TestPlan, Failure> {
        let subject = Subject::of_run(&self.run)?;
        let (settings, repository, redactor) = (&self.settings, &self.repository, &self.redactor);
        let choosing = Choosing { subject: &subject, is_given: false, settings, repository, redactor };
        let tests = match subject.report.tests.command {
            Some(_) => Some(choosing.commands()?.tests),
            None => None,
        };
        let chosen = subject.report.checks.iter().map(|check| check.chosen.clone());
        Ok(TestPlan { tests, checks: chosen.zip(choosing.checks()).collect() })
    }

    fn trials(&self, stand: &TestPlan) -> Trials {
        let dependencies = self.settings.dependencies.value.clone();
        let mut plan = worker_plan(&self.settings, &self.run, self.run.view());
        let outline = self.repository.outline_paths(MAX_PATHS);
        // What isn't shown of them, the run has told.
        let (outside, state) = (self.repository.outside(&outline), &self.settings.state_dir.value);
        Beside::of(outside, &plan, &self.repository, state).tell(&mut plan);
        show_dependencies(&mut plan, self.repository.dependencies(&dependencies, &outline), self.repository.root());
        plan.tests.clone_from(&stand.tests);
        // That an overlay is wanted; its folders are the trial's own.
        let (tree, layers) = (self.repository.root().to_owned(), self.run.overlay());
        plan.overlay = Some(OverlayPlan { tree, layers, git: Vec::new() });
        Trials {
            repository: self.repository.clone(),
            plan,
            dependencies,
            folder: self.run.trials(),
            way_back: ChangeSet::new(Vec::new()),
            blobs: self.run.blobs(),
            checks: stand.checks.iter().filter_map(|(_, command)| command.clone()).collect(),
            writes: Writes::of(&[]),
            copies: Copies::of(&self.settings.state_dir.value, self.repository.root(), stand.tests.as_ref()),
            residue: Arc::default(),
        }
    }
}
