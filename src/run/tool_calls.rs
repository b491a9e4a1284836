//! The run's environment as the planner executes tool calls in it, and the patch that they make.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::environment::{COPIED_TEXT, RunEnvironment, WrittenPatch};
use super::environment_errors::{from_workspace, unkept};
use super::failure_causes;
use super::patch_verification::failing;
use super::view_slot::ViewSlot;
use crate::journal::{Event, FileChange, GeneratedFile, PatchWritten, RelPath};
use crate::model::ToolCall;
use crate::planner::{EnvironmentError, ToolExecutor, Verifier as _};
use crate::testing;
use crate::tools::{self, Access, Observation};
use crate::workspace::write_patch;

/// Files of commands that are told by name, besides those in the patch.
const MOST_GENERATED: usize = 100;

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
            let told = if self.begins_to_copy(run) { COPIED_TEXT.to_owned() } else { failure_causes::told(run) };
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
        Ok(observation)
    }

    async fn patch(&mut self, observations: &[Observation]) -> Result<PatchWritten, EnvironmentError> {
        let touched: Vec<RelPath> = observations.iter().flat_map(|o| o.touched.iter().cloned()).collect();
        let anything = observations.iter().any(|o| o.tests.is_some());
        self.is_untouched &= !anything && touched.is_empty();
        self.seen_failing.extend(failing(observations));
        let (patch_path, changes_path) = (self.folder.patch(), self.folder.changes());
        let view = self.view.made()?;
        let mut patch = testing::patch_of(view, touched, anything).await.map_err(|error| from_workspace(&error))?;
        if !self.applied.is_empty() {
            patch = view.restate(patch, &self.applied).map_err(|error| from_workspace(&error))?;
        }
        patch.changes.save(&changes_path).map_err(|error| unkept(&changes_path, error))?;
        write_patch(&patch_path, &patch).map_err(|error| from_workspace(&error))?;
        let left_out = patch.left_out.iter().map(ToString::to_string).chain(self.not_alone.clone()).collect();
        self.written = WrittenPatch { changes: patch.changes, files: patch.files.clone() };
        self.beside = patch.generated.iter().filter(|file| !file.included).cloned().collect();
        let (generated, generated_more) = told_by_name(patch.generated);
        let (sha256, files, named_nothing) = (patch.sha256, patch.files, patch.named_nothing);
        Ok(PatchWritten { sha256, files, left_out, generated, generated_more, named_nothing })
    }

    fn written_files(&self) -> Vec<FileChange> {
        self.written.files.clone()
    }

    async fn cancel(&self) {
        self.was_cut_off.store(true, Ordering::Relaxed);
        // A worker that is gone runs nothing any more.
        let _ = self.worker.cancel_all().await;
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
