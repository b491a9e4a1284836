//! Runs the checks: before the tests, on the tree on which the tests then run.

use super::calls::tests_ran;
use super::end_turn::how_it_ended;
use super::environment::{CheckRun, JudgedCheck, ToolExecutor, Verifier};
use super::turns::{Halt, Planner, bounded};
use crate::journal::{CheckRan, Digest, Event, Matrix, TestPurpose, TestsRan};
use crate::model::Model;
use crate::testing;
use crate::tools::{Observation, TestRun};

const CHECKS_FAILED_TEXT: &str = include_str!("../../prompts/checks_failed.md");
/// Bytes of output for all failing checks; each gets the same share.
const ALL_OUTPUT: usize = 12 * 1024;

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Runs all checks in order, even after a failure, so that the model can fix everything at once.
    pub(super) async fn run_checks(&mut self) -> Result<Vec<CheckRun>, Halt> {
        let mut runs = Vec::new();
        for (name, required) in self.environment.checks() {
            let (run, ran_on) = self.run_check(&name).await?;
            runs.push(CheckRun { name, required, run, ran_on });
        }
        Ok(runs)
    }

    /// Repeats the checks that ran on another tree than the current one, because a check or a test wrote to it.
    pub(super) async fn renew_checks(&mut self, runs: &mut [CheckRun]) -> Result<(), Halt> {
        for check in runs {
            if check.ran_on != self.state.patch {
                (check.run, check.ran_on) = self.run_check(&check.name).await?;
            }
        }
        Ok(())
    }

    async fn run_check(&mut self, name: &str) -> Result<(TestRun, Option<Digest>), Halt> {
        let trees = bounded(self.cancelled.clone(), self.deadline, self.environment.trees()).await?;
        let ran = bounded(self.cancelled.clone(), self.deadline, self.environment.run_check(name)).await;
        if ran.is_err() {
            self.environment.cancel().await;
        }
        let run = ran??;
        let (ran_on, written) = self.note_what_it_wrote(&run).await?;
        let (start_tree, tree) = trees.map(|trees| (trees.start, trees.patched)).unzip();
        let ran = TestsRan { tree, start_tree, ..tests_ran(run.clone(), TestPurpose::Verification, ran_on) };
        let ran = CheckRan { name: name.to_owned(), ran };
        self.journal.append(vec![written, Event::CheckRan(ran)])?;
        Ok((run, ran_on))
    }

    /// Updates the patch, because any command may write to the tree. Returns the patch on which the command ran, and
    /// the event of the new one.
    pub(super) async fn note_what_it_wrote(&mut self, run: &TestRun) -> Result<(Option<Digest>, Event), Halt> {
        let observed = Observation { tests: Some(run.clone()), ..Observation::default() };
        let patch = self.patch_after(&[observed]).await?;
        let ran_on = std::mem::replace(&mut self.state.patch, patch.sha256);
        self.state.ran_on.extend(ran_on);
        Ok((ran_on, Event::PatchWritten(patch)))
    }
}

/// The message to the model about failing required checks; `None` if there are none.
pub(super) fn feedback(checks: &[CheckRun], judged: &[JudgedCheck]) -> Option<String> {
    let judged = judged.iter().map(Some).chain(std::iter::repeat(None));
    let is_failing = |(check, _): &(&CheckRun, _)| check.required && !check.run.passed();
    let failing: Vec<_> = checks.iter().zip(judged).filter(is_failing).collect();
    let share = ALL_OUTPUT / failing.len().max(1);
    let told: Vec<String> = failing.into_iter().map(|(check, judged)| told(check, judged, share)).collect();
    (!told.is_empty()).then(|| CHECKS_FAILED_TEXT.trim_end().replace("{checks}", &told.join("\n\n")))
}

fn told(check: &CheckRun, judged: Option<&JudgedCheck>, bytes: usize) -> String {
    let before = match judged.and_then(|judged| judged.passed_before) {
        Some(true) => "; it passed before your change",
        Some(false) => "; it failed before your change, too",
        None => "",
    };
    let CheckRun { name, run, .. } = check;
    let matrix = judged.and_then(|judged| judged.matrix.as_ref());
    let output = output(run, matrix, bytes);
    format!("## {name}: `{}` {}{before}\n\n{output}", run.command, how_it_ended(run))
}

/// Output of a failing run, about `bytes` long: single tests if the runner names them, else what was printed.
pub(super) fn output(run: &TestRun, matrix: Option<&Matrix>, bytes: usize) -> String {
    let named = run.results.as_ref().map(|results| testing::failures(results, matrix));
    match named.filter(|named| !named.is_empty()) {
        Some(named) => format!("{}\n\nThe whole output is in the log @logs/{}.", testing::cut(&named, bytes), run.log),
        None if run.excerpt.len() <= bytes => run.excerpt.clone(),
        None => {
            let shown = testing::cut(&run.excerpt, bytes);
            format!("{shown}\n[… read_file \"@logs/{}\" shows the rest …]", run.log)
        }
    }
}
