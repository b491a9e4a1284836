//! A run that leaves its overlay: the tests rename a folder that the tree has, which an overlay can't do.

use std::sync::PoisonError;

use tokio::sync::watch;

use super::environment::RunEnvironment;
use super::new_view::{NewView, NewViewKind};
use super::view_slot::ViewSlot;
use crate::journal::{Event, Layer};
use crate::planner::{EnvironmentError, ToolExecutor as _};
use crate::sandbox::Worker;
use crate::testing::{self, RENAMES, failed_to_rename};
use crate::tools::TestRun;

impl RunEnvironment {
    /// Whether `run` failed because the view is an overlay. The view becomes a copy then, before anything else is done in it.
    pub(super) fn begins_to_copy(&self, run: &TestRun) -> bool {
        let copies = &self.trials.trials().copies;
        copies.begin_if(self.is_in_overlay(), || failed_to_rename(run, &self.folder.logs()))
    }

    fn is_in_overlay(&self) -> bool {
        matches!(&self.view, ViewSlot::Made(view) if view.made().kind == "overlay")
    }

    /// Where the tests need it and the view is an overlay: from now on a copy of the tree with the patch is the view, with a worker
    /// of its own. What commands wrote besides isn't there any more.
    pub(super) async fn go_on_in_copy(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        let trials = self.trials.trials();
        if !trials.copies.are_needed() || !self.is_in_overlay() {
            return Ok(Vec::new());
        }
        let changes = testing::patch_of(self.view.made()?, Vec::new(), true).await?.changes;
        let copy = NewView {
            repository: self.repository.clone(),
            run: self.folder.path().to_owned(),
            dependencies: trials.dependencies.clone(),
            writes: trials.writes.clone(),
            notes: vec![format!("copied from now on: {RENAMES}")],
            kind: NewViewKind::Copy { place: trials.plan.view.clone(), changes },
        };
        let mut plan = trials.plan.clone();
        (plan.overlay, plan.tests) = (None, self.tests.command.clone());
        let residue = trials.residue.clone();
        self.view = ViewSlot::Making(copy.begin(watch::Sender::new(true)));
        let (worker, mut sandbox) = Worker::start(plan).await.map_err(|error| self.worker_failed(&error))?;
        let left = std::mem::replace(&mut self.worker, worker).stop().await;
        *residue.lock().unwrap_or_else(PoisonError::into_inner) += left;
        self.beside.clear();
        sandbox.layers.push(Layer::missing("overlay", RENAMES));
        let mut events = vec![Event::SandboxBuilt(sandbox)];
        events.extend(self.view.wait().await?.map(Event::ViewMade));
        // What is told of the patch lists no files of commands any more.
        events.push(Event::PatchWritten(self.patch(&[]).await?));
        Ok(events)
    }
}
