//! A smaller patch that is to take the place of the run's: proven in a view of its own, and then written.

use std::fs;
use std::slice;

use tokio::time::Instant;

use super::environment::{RunEnvironment, WrittenPatch};
use super::guard::{PatchContents, TestEvidence};
use crate::journal::{CheckRan, Event, PatchWritten, TestPurpose, TestResults, TestsRan, TestsTouched};
use crate::planner::tests_ran;
use crate::testing::{self, Baseline, VerifiedPatch, is_same_run};
use crate::workspace::{Blobs, ChangeSet, Parts, TreeIds, write_patch};

/// The name of the view, and of the folder of its logs.
const NAME: &str = "minimal";

/// The evidence for a smaller patch.
pub(super) struct MinimizedPatch {
    proven: VerifiedPatch,
    touched: TestsTouched,
    compared: Option<Event>,
    trees: Option<TreeIds>,
    hunks: u64,
}

impl MinimizedPatch {
    /// Makes a view of the start state with `changes` and runs the tests there.
    ///
    /// # Errors
    /// Why the whole patch has to stand, as a clause for people.
    pub(super) async fn prove(
        environment: &mut RunEnvironment,
        changes: ChangeSet,
        deadline: Instant,
    ) -> Result<Self, String> {
        let proven = environment.trials.prove(NAME, changes, deadline).await?;
        let flaky = environment.judged.matrix.as_ref().map(|matrix| matrix.flaky.clone()).unwrap_or_default();
        if !proven.run.passed() || !is_same_run(&environment.judged.runs, &proven.run, &flaky) {
            return Err("in a new view its tests go another way".to_owned());
        }
        if !environment.judged.are_same_checks(&proven.checks) {
            return Err("in a new view its checks go another way".to_owned());
        }
        if let Some(gap) = proven.patch.left_out.first() {
            return Err(gap.to_string());
        }
        let results: Vec<TestResults> = proven.run.results.iter().cloned().collect();
        // It was measured before the patch was judged; nobody waits for it here.
        let baseline = environment.start.known(None);
        let mut matrix = baseline.and_then(|baseline| testing::compare(&baseline.results(), &results));
        let mut fixed = matrix.as_ref().map_or_else(Vec::new, |matrix| matrix.fixed.clone());
        for (check, run) in environment.judged.checks.iter().zip(&proven.checks) {
            if let Some(of_check) = environment.compare(Some(&check.name), slice::from_ref(run)) {
                fixed.extend(of_check.fixed.iter().cloned());
                matrix.get_or_insert_default().add(&check.name, &of_check);
            }
        }
        let blobs = Blobs::at(&environment.folder.blobs());
        let told = TestEvidence {
            before: environment.start.known(None).map(Baseline::results).unwrap_or_default(),
            after: results,
            passes: proven.run.passed(),
            fixed,
        };
        let patch = &proven.patch;
        let looked = PatchContents { changes: &patch.changes, files: &patch.files, blobs: &blobs, told: &told };
        let touched = environment.guard.look(&looked).map_err(|error| error.to_string())?;
        if let Some(flag) = touched.refused_for.first() {
            return Err(flag.reason.clone());
        }
        let hunks = Parts::of(&patch.changes, &blobs).map_err(|error| error.to_string())?.len() as u64;
        let trees = environment.start.trees_with(patch.changes.clone()).await;
        Ok(Self { touched, compared: matrix.map(Event::Compared), trees, hunks, proven })
    }

    /// Makes it the run's patch on disk; the whole one is kept beside it. On an error the whole one stands.
    ///
    /// # Errors
    /// Why it can't be written, as a clause for people.
    pub(super) fn write(&self, environment: &mut RunEnvironment) -> Result<(), String> {
        let (folder, patch) = (&environment.folder, &self.proven.patch);
        let (file, full) = (folder.patch(), folder.full_patch());
        fs::copy(&file, &full).map_err(|error| format!("the whole patch can't be kept: {error}"))?;
        let written = write_patch(&file, patch).map_err(|error| error.to_string());
        let written = written.and_then(|()| patch.changes.save(&folder.changes()).map_err(|error| error.to_string()));
        // A rename needs no space.
        written.inspect_err(|_| drop(fs::rename(&full, &file)))?;
        environment.written = WrittenPatch { changes: patch.changes.clone(), files: patch.files.clone() };
        Ok(())
    }

    pub(super) fn hunks(&self) -> u64 {
        self.hunks
    }

    /// The events that record it.
    pub(super) async fn into_events(self, environment: &mut RunEnvironment) -> Vec<Event> {
        let Self { proven: VerifiedPatch { run, checks, patch }, touched, compared, trees, .. } = self;
        // Without them the report says that single results aren't known.
        let before = environment.start.known_or_why(None);
        let kept = environment.certificate.add(before, slice::from_ref(&run)).await.unwrap_or_default();
        let (start_tree, tree) = trees.map(|trees| (trees.start, trees.patched)).unzip();
        let verified = |run| TestsRan {
            tree: tree.clone(),
            start_tree: start_tree.clone(),
            ..tests_ran(run, TestPurpose::Verification, patch.sha256)
        };
        let written = PatchWritten {
            sha256: patch.sha256,
            files: patch.files,
            generated: patch.generated,
            named_nothing: patch.named_nothing,
            ..PatchWritten::default()
        };
        let mut events = vec![Event::PatchWritten(written)];
        for (check, run) in environment.judged.checks.iter().zip(checks) {
            events.push(Event::CheckRan(CheckRan { name: check.name.clone(), ran: verified(run) }));
        }
        events.push(Event::TestsRan(verified(run)));
        events.extend(kept);
        events.extend(compared);
        events.push(Event::TestsTouched(touched));
        // Its tests are the same, and go the same way.
        events.extend(environment.judged.reproduction.clone().map(Event::Reproduced));
        events
    }
}
