//! Tests and checks of the accepted changes, in a view of its own: the run's evidence is about the whole patch.

use tokio::sync::watch;

use super::review_context::ReviewContext;
use crate::journal::{CheckChosen, CheckRan, Event, Journal as _, Outcome, TestPurpose};
use crate::planner::tests_ran;
use crate::run::Failure;
use crate::run::rerun::{Choosing, Reran, Rerun, Subject};
use crate::settings::TestCommand;
use crate::testing::TrialFolders;
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, remove_tree_soon};

/// Name of the trial, and of its log folder.
const NAME: &str = "review";

/// The run's tests and checks, to be run again.
struct TestPlan {
    tests: Option<TestCommand>,
    chosen: Vec<CheckChosen>,
    /// The commands of `chosen`; `None` where the command is no longer known.
    checks: Vec<Option<TestCommand>>,
}

/// Results of the tests and checks.
pub(super) struct TrialOutcome {
    /// The test runs in order; empty when the run had no tests.
    pub tests: Vec<TestRun>,
    /// The checks; `None` for one that can't be run any more.
    pub checks: Vec<(CheckChosen, Option<TestRun>)>,
}

impl TrialOutcome {
    /// Returns true when the tests and all required checks passed.
    pub(super) fn passed(&self) -> bool {
        let has_passed = |run: &Option<TestRun>| run.as_ref().is_some_and(TestRun::passed);
        self.tests.last().is_none_or(TestRun::passed)
            && self.checks.iter().all(|(chosen, run)| !chosen.required || has_passed(run))
    }
}

impl ReviewContext {
    /// Runs the run's tests and checks on the start state with `changes`, and records the results. `None` when the run
    /// had neither.
    ///
    /// # Errors
    /// When they can't be run, or `called_off` is set.
    pub(super) async fn try_out(
        &mut self,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<Option<TrialOutcome>, Failure> {
        let plan = self.test_plan()?;
        if plan.tests.is_none() && plan.checks.is_empty() {
            return Ok(None);
        }
        let held = {
            let rerun = self.rerun(&plan)?;
            // The run has printed already what is hidden from tests.
            let (trials, _) = rerun.trials();
            rerun.hold(&trials, NAME, changes, called_off).await
        };
        // What stays is removed with the leftovers of killed runs.
        let left = self.run.trials();
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&left)).await;
        let failed = |failure: Failure| match failure.outcome {
            // The sandbox isn't whole, and the run was strict about it.
            Outcome::Refused => self.untested(failure, "`kcode doctor` shows all layers of the sandbox"),
            _ => failure,
        };
        let Reran { tests, checks } = held.map_err(failed)?;
        let tried = TrialOutcome { tests, checks: plan.chosen.into_iter().zip(checks).collect() };
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

    /// The tests and checks of the run. Its folder is trusted, commands included.
    fn test_plan(&self) -> Result<TestPlan, Failure> {
        let subject = Subject::of_run(&self.run)?;
        let (settings, repository, redactor) = (self.settings()?, &self.repository, &self.redactor);
        let choosing = Choosing { subject: &subject, is_given: false, settings, repository, redactor };
        let tests = match subject.report.tests.command {
            Some(_) => {
                let known = choosing.commands();
                Some(
                    known.map_err(|failure| self.untested(failure, "the tests can't be run again as they were"))?.tests,
                )
            }
            None => None,
        };
        let chosen = subject.report.checks.iter().map(|check| check.chosen.clone()).collect();
        Ok(TestPlan { tests, chosen, checks: choosing.checks() })
    }

    fn rerun<'a>(&'a self, plan: &'a TestPlan) -> Result<Rerun<'a>, Failure> {
        let run = &self.run;
        Ok(Rerun {
            repository: &self.repository,
            settings: self.settings()?,
            redactor: &self.redactor,
            folders: TrialFolders { trials: run.trials(), blobs: run.blobs() },
            logs: run.logs(),
            tests: plan.tests.as_ref(),
            checks: &plan.checks,
        })
    }
}
