//! The sandbox and view of one trial, from start to end.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::error::TrialError;
use super::setup::Trials;
use crate::sandbox::{OverlayPlan, Worker, WorkerPlan};
use crate::testing::read_results::clean_logs;
use crate::workspace::{ChangeSet, Copying, NoOverlay, Overlay, View, WorkspaceError, remove_tree_soon, vacate};

/// A worker with the view that it runs in.
pub(super) struct TrialSandbox {
    pub(super) worker: Worker,
    pub(super) view: TrialView,
}

/// The view of a trial's worker.
pub(super) enum TrialView {
    Copy(Box<View>),
    Overlay(Box<Overlay>),
}

impl TrialView {
    /// Converts it to a view whose patch can be computed; `folder` is the trial's folder.
    pub(super) fn into_view(self, trials: &Trials, folder: &Path) -> Result<View, WorkspaceError> {
        match self {
            Self::Copy(view) => Ok(*view),
            Self::Overlay(overlay) => View::over(&trials.repository, folder, &overlay, &trials.dependencies),
        }
    }
}

impl Trials {
    /// Returns the folder of the trial `name`.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folders.trials.join(name)
    }

    /// Starts a worker in a view of the start state with `changes`. Leaves nothing behind if that fails.
    pub(super) async fn start(
        &self,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialSandbox, TrialError> {
        let folder = self.folder(name);
        let started = self.start_in(&folder, name, changes, called_off).await;
        if started.is_err() {
            clear(folder).await;
        }
        started
    }

    /// Ends the trial and counts the processes that had to be killed. The logs of an interrupted command aren't read
    /// later, so secrets are removed from them here.
    pub(super) async fn end(&self, name: &str, worker: Worker, called_off: &watch::Receiver<bool>) {
        self.stop(worker).await;
        if *called_off.borrow() {
            clean_logs(&self.plan.logs.join(name), &self.redactor);
        }
        clear(self.folder(name)).await;
    }

    async fn stop(&self, worker: Worker) {
        let left = worker.stop().await;
        *self.residue.lock().unwrap_or_else(PoisonError::into_inner) += left;
    }

    async fn start_in(
        &self,
        folder: &Path,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialSandbox, TrialError> {
        let before = folder.to_owned();
        tokio::task::spawn_blocking(move || vacate(&before)).await.map_err(io::Error::from)??;
        let place = View::place(&self.repository, folder)?;
        symlink(&self.folders.blobs, folder.join("blobs"))?;
        let changes = self.way_back.then(changes);
        let overlay = self.overlay(folder, &changes)?;
        let plan = WorkerPlan {
            view: place.clone(),
            overlay: overlay.as_ref().map(OverlayPlan::of),
            scratch: folder.join("scratch"),
            logs: self.plan.logs.join(name),
            listener: self.plan.listener.about(name),
            ..self.plan.clone()
        };
        let (worker, wall) = Worker::start(plan).await?;
        let mounted = wall.layers.iter().any(|layer| layer.name == "overlay" && layer.holds);
        if let Some(overlay) = overlay.filter(|_| mounted) {
            return Ok(TrialSandbox { worker, view: TrialView::Overlay(Box::new(overlay)) });
        }
        match self.copy(folder, place, changes, called_off).await {
            Ok(view) => Ok(TrialSandbox { worker, view: TrialView::Copy(Box::new(view)) }),
            Err(error) => {
                self.stop(worker).await;
                Err(error)
            }
        }
    }

    /// Makes overlay layers if the run itself uses an overlay; `None` means a copy.
    fn overlay(&self, folder: &Path, changes: &ChangeSet) -> Result<Option<Overlay>, TrialError> {
        if self.plan.overlay.is_none() || self.copies.are_needed() {
            return Ok(None);
        }
        match Overlay::prepare(&self.repository, folder, changes.clone()) {
            Ok(overlay) => Ok(Some(overlay)),
            Err(NoOverlay::Changes(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Makes a copy of the tree with `changes`.
    async fn copy(
        &self,
        folder: &Path,
        place: PathBuf,
        changes: ChangeSet,
        mut called_off: watch::Receiver<bool>,
    ) -> Result<View, TrialError> {
        let (repository, run, dependencies) = (self.repository.clone(), folder.to_owned(), self.dependencies.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let copying = tokio::task::spawn_blocking(move || {
            let copying =
                Copying { repository: &repository, run: &run, place, dependencies: &dependencies, stop: &stopped };
            let view = View::fill(&copying)?;
            if !changes.is_empty() {
                view.restore(&changes)?;
            }
            Ok(view)
        });
        tokio::select! {
            copied = copying => copied.unwrap_or_else(|panic| Err(io::Error::other(panic).into())),
            _ = called_off.wait_for(|off| *off) => {
                stop.store(true, Ordering::Relaxed);
                Err(TrialError::CalledOff)
            }
        }
    }
}

/// Removes the folder of a trial. What can't be removed now is removed later with leftovers of killed runs.
async fn clear(folder: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
}

/// Waits for `work` unless it is cancelled.
pub(super) async fn unless<T>(
    mut called_off: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, TrialError>>,
) -> Result<T, TrialError> {
    tokio::select! {
        ended = work => ended,
        _ = called_off.wait_for(|off| *off) => Err(TrialError::CalledOff),
    }
}
