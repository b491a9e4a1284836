//! Runs the tests that verify a patch: decides which runs are needed, in which view, and when more runs could change
//! the result. `docs/architecture.md` lists all cases ("How often tests run").

use std::time::Duration;

use super::calls::tests_ran;
use super::environment::{CheckRun, Judgement, Ran, ToolExecutor, Verifier};
use super::state::{OwnRun, TestRules};
use super::turns::{Halt, Planner, bounded};
use crate::journal::{CountedRun, Event, TestPurpose, TestsRan};
use crate::model::Model;
use crate::tools::TestRun;

/// Most runs on one tree, to tell flaky tests from broken ones.
const MAX_RUNS: usize = 3;
/// A slower suite isn't repeated just to see whether fixed tests stay fixed.
const QUICK_MS: u64 = 20_000;

/// Runs on the current patch.
#[derive(Default)]
struct PatchRuns {
    /// In order; the model's own comes first.
    all: Vec<TestRun>,
    /// The model's own run, if it counts.
    counted: Option<CountedRun>,
    /// True if the last run was in a fresh view of the start state and the patch.
    afresh: bool,
}

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Runs the tests until their result on the current tree is clear, and judges it. No runs are returned if there are
    /// no tests. `checks` ran before; those on another tree are repeated if the tests wrote to it.
    pub(super) async fn evidence(&mut self, checks: &mut [CheckRun]) -> Result<(Vec<TestRun>, Judgement), Halt> {
        let mut runs = self.runs_so_far();
        loop {
            self.run_once_more(&mut runs).await?;
            self.renew_checks(checks).await?;
            let ran = Ran { tests: &runs.all, checks };
            let judged = self.environment.judge(ran, self.remaining());
            let judged = bounded(self.cancelled.clone(), self.deadline, judged).await??;
            self.journal.append(judged.events.clone())?;
            if !is_worth_another_run(&runs, &judged, self.is_soiled(), self.remaining()) {
                return Ok((runs.all, judged));
            }
        }
    }

    /// The model's own run of the whole command on this tree replaces kcode's first run, which never decides alone.
    fn runs_so_far(&mut self) -> PatchRuns {
        let own = self.state.own_run.take().filter(|own| own.ran_on == self.state.patch);
        let Some(OwnRun { run, .. }) = own.filter(|_| self.state.rules == TestRules::Shared) else {
            return PatchRuns::default();
        };
        let counted = Some(CountedRun { log: run.log.clone(), passed: run.passed() });
        PatchRuns { all: vec![run], counted, afresh: false }
    }

    async fn run_once_more(&mut self, runs: &mut PatchRuns) -> Result<(), Halt> {
        let before = self.state.patch;
        // Files left by earlier commands must not be the reason why tests pass.
        let afresh = if runs.all.is_empty() {
            let may_write = self.environment.takes_what_tests_write();
            self.state.rules == TestRules::Shared && begins_afresh(self.state.took_ms, self.is_soiled(), may_write)
        } else {
            runs.confirms()
        };
        let Some(run) = self.verify(afresh, runs.counted.as_ref()).await? else { return Ok(()) };
        if before != self.state.patch && runs.all.is_empty() && run.passed() {
            // The tests wrote a lock file or a snapshot, so the patch is no longer what they ran on: repeat them.
            runs.all.extend(self.verify(false, None).await?);
        } else {
            runs.all.push(run);
            runs.afresh = afresh;
        }
        Ok(())
    }

    /// Whether the run's view may hold files left by code that is no longer in the patch, which may make tests pass.
    fn is_soiled(&self) -> bool {
        self.state.ran_on.iter().any(|patch| Some(*patch) != self.state.patch)
    }

    /// Runs the tests once and records on which tree, and the `counted` run before it; `None` if there are none.
    async fn verify(&mut self, afresh: bool, counted: Option<&CountedRun>) -> Result<Option<TestRun>, Halt> {
        let trees = bounded(self.cancelled.clone(), self.deadline, self.environment.trees()).await?;
        let ran = if afresh {
            bounded(self.cancelled.clone(), self.deadline, self.environment.verify_afresh()).await
        } else {
            bounded(self.cancelled.clone(), self.deadline, self.environment.verify()).await
        };
        if ran.is_err() {
            self.environment.cancel().await;
        }
        let Some(run) = ran?? else { return Ok(None) };
        self.state.took_ms = Some(run.ms);
        let (ran_on, written) = self.note_what_it_wrote(&run).await?;
        let (start_tree, tree) = trees.map(|trees| (trees.start, trees.patched)).unzip();
        let ran = tests_ran(run.clone(), TestPurpose::Verification, ran_on);
        let ran = TestsRan { tree, start_tree, counted: counted.cloned(), ..ran };
        self.journal.append(vec![written, Event::TestsRan(ran)])?;
        Ok(Some(run))
    }
}

impl PatchRuns {
    /// Whether the next run needs a fresh view: a pass has to be seen there, and so has what only the model's own run
    /// saw.
    fn confirms(&self) -> bool {
        self.counted.is_some() || self.all.iter().any(TestRun::passed)
    }
}

/// Whether the first run is in a fresh view: a suite known to be slow runs only once. If tests may write into the
/// patch, they run in the run's own view.
fn begins_afresh(took_ms: Option<u64>, is_soiled: bool, may_write: bool) -> bool {
    is_soiled && !may_write && took_ms.is_none_or(|ms| ms >= QUICK_MS)
}

/// Whether the same tests on the same tree could give another result that matters.
fn is_worth_another_run(runs: &PatchRuns, judged: &Judgement, is_soiled: bool, remaining: Duration) -> bool {
    let Some(last) = runs.all.last() else { return false };
    let spare = u128::from(last.ms) * 2 < remaining.as_millis();
    if runs.all.len() == MAX_RUNS || !spare || last.stopped.is_some() {
        return false;
    }
    let is_soiled = is_soiled && !runs.afresh;
    match (&*runs.all, &judged.matrix) {
        // A fixed test may have passed by luck.
        ([only], Some(matrix)) if only.passed() => !matrix.fixed.is_empty() && (is_soiled || only.ms < QUICK_MS),
        // A test that is known to be flaky may have been the only failure.
        ([_], Some(matrix)) if matrix.still_failing.is_empty() && !matrix.flaky.is_empty() => true,
        ([_], Some(matrix)) => !matrix.broken.is_empty() || !matrix.new_failing.is_empty(),
        ([only], None) if only.passed() && is_soiled => true,
        // Output of a test may have garbled the runner's report.
        ([only], None) => only.passed() && !judged.refusing.is_empty() && only.ms < QUICK_MS,
        // The third run decides.
        ([first, second], Some(_)) => first.passed() != second.passed(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Matrix;

    const LONG: Duration = Duration::from_hours(1);

    fn run(passes: bool, ms: u64) -> TestRun {
        TestRun { exit_code: Some(i32::from(!passes)), ms, ..TestRun::default() }
    }

    /// The judgement of a patch that fixes a test.
    fn fixing() -> Judgement {
        Judgement { matrix: Some(Matrix { fixed: vec!["a".into()], ..Matrix::default() }), ..Judgement::default() }
    }

    #[test]
    fn a_slow_suite_is_run_once_where_nothing_was_left_and_a_quick_one_twice() {
        for (took_ms, is_soiled, may_write, afresh) in [
            (Some(QUICK_MS), true, false, true),
            (None, true, false, true),
            (Some(QUICK_MS - 1), true, false, false),
            (Some(QUICK_MS), false, false, false),
            (Some(QUICK_MS), true, true, false),
        ] {
            assert_eq!(begins_afresh(took_ms, is_soiled, may_write), afresh, "{took_ms:?} {is_soiled} {may_write}");
        }
        for (ms, is_soiled, afresh, again) in [
            (QUICK_MS, false, false, false),
            (QUICK_MS, true, true, false),
            (QUICK_MS - 1, true, true, true),
            (QUICK_MS - 1, false, false, true),
            // No fresh view is available, or tests may write into the patch.
            (QUICK_MS, true, false, true),
        ] {
            let runs = PatchRuns { all: vec![run(true, ms)], counted: None, afresh };
            assert_eq!(is_worth_another_run(&runs, &fixing(), is_soiled, LONG), again, "{ms} {is_soiled} {afresh}");
        }
    }

    #[test]
    fn with_the_models_own_run_one_of_kcodes_is_enough_unless_they_differ() {
        let own = CountedRun { log: "tests-1.log".into(), passed: true };
        for (passes, again) in [(true, false), (false, true)] {
            let all = vec![run(true, 5), run(passes, 5)];
            let runs = PatchRuns { all, counted: Some(own.clone()), afresh: true };
            assert_eq!(is_worth_another_run(&runs, &fixing(), true, LONG), again, "{passes}");
            assert!(runs.confirms());
        }
        let unseen =
            PatchRuns { all: vec![run(false, 5)], counted: Some(CountedRun { passed: false, ..own }), afresh: false };
        assert!(unseen.confirms(), "what only the model's run saw is seen once more where nothing was left");
    }
}
