//! Looks for a test that shows what the patch mends: at once where the tests before and after tell, else by a trial.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::environment::RunEnvironment;
use super::environment_errors::unkept;
use super::start_state::results_of;
use crate::journal::{Event, Reproduction, TestPurpose, TestsRan};
use crate::planner::{EnvironmentError, tests_ran};
use crate::testing::{WithPatch, shown_by_matrix, shown_by_trial, test_parts};
use crate::tools::TestRun;
use crate::workspace::{Blobs, ChangeSet, Parts};

/// The name of the trial, and of the folder of its logs.
const NAME: &str = "reproduce";
/// A suite that takes longer isn't run twice to see whether a test that fails without the fix always does.
const QUICK_MS: u64 = 20_000;

/// The start state with those parts of the patch that are tests.
struct TestsAlone {
    changes: ChangeSet,
    /// True when the patch is nothing else.
    is_all: bool,
}

impl RunEnvironment {
    /// Whether a test shows what the patch mends, and what happened to find that out.
    pub(super) async fn look_for_reproduction(
        &mut self,
        patience: Duration,
    ) -> Result<(Vec<Event>, Reproduction), EnvironmentError> {
        let alone = self.tests_alone().map_err(|error| unkept(&self.folder.blobs(), error))?;
        let adds_tests = !alone.changes.is_empty() && !alone.is_all;
        let matrix = self.judged.all.as_ref();
        if let Some(told) = shown_by_matrix(matrix, self.judged.tests_edited, adds_tests) {
            return Ok((Vec::new(), told));
        }
        Ok(self.try_tests_alone(alone.changes, patience).await)
    }

    fn tests_alone(&self) -> io::Result<TestsAlone> {
        let parts = Parts::of(&self.written.changes, &Blobs::at(&self.folder.blobs()))?;
        let tests = test_parts(&parts);
        Ok(TestsAlone { is_all: tests.len() == parts.len(), changes: parts.only(&tests)? })
    }

    async fn try_tests_alone(&mut self, changes: ChangeSet, patience: Duration) -> (Vec<Event>, Reproduction) {
        let took = self.judged.runs.last().map_or(0, |run| run.ms);
        let times = if took < QUICK_MS { 2 } else { 1 };
        let tree = self.start.trees_with(changes.clone()).await.map(|trees| trees.patched);
        // What is left is the model's and the other checks', too.
        let until = Instant::now() + patience / 2;
        let runs = match self.trials.hold(NAME, changes, times, until).await {
            Ok(held) => held.tests,
            Err(why) => {
                let why = format!("the patch's tests could not be run without the fix: {why}");
                return (Vec::new(), Reproduction::not_checked(why));
            }
        };
        let (trial, after) = (results_of(&runs), results_of(&self.judged.runs));
        let matrix = self.judged.matrix.clone().unwrap_or_default();
        let with = WithPatch { runs: &after, matrix: &matrix, seen_failing: &self.seen_failing };
        let told = shown_by_trial(&trial, with);
        let ran = |run: TestRun| TestsRan { tree: tree.clone(), ..tests_ran(run, TestPurpose::Trial, None) };
        (runs.into_iter().map(ran).map(Event::TestsRan).collect(), told)
    }
}
