//! The sandbox and the view of one trial, from their start to their end.

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

/// A worker in a view of its own.
pub(super) struct TrialSandbox {
    pub(super) worker: Worker,
    pub(super) view: TrialView,
}

/// What a trial's worker shows.
pub(super) enum TrialView {
    Copy(Box<View>),
    Overlay(Box<Overlay>),
}

impl TrialView {
    /// As a view whose patch can be computed; `folder` is the trial's.
    pub(super) fn into_view(self, trials: &Trials, folder: &Path) -> Result<View, WorkspaceError> {
        match self {
            Self::Copy(view) => Ok(*view),
            Self::Overlay(overlay) => View::over(&trials.repository, folder, &overlay, &trials.dependencies),
        }
    }
}

impl Trials {
    /// The folder of the trial called `name`.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folders.trials.join(name)
    }

    /// A worker in a view of the start state with `changes`. Nothing is left of one that can't be had.
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

    /// Ends the trial; what its worker had to kill is counted. Nobody reads the log of a command that was cut off.
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

    /// The layers, where the run itself works in an overlay; `None` means a copy.
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

    /// A copy of the tree with `changes`.
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

/// Removes the folder of a trial. What can't be removed now goes with what else killed runs leave.
async fn clear(folder: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
}

/// Waits for `work`, unless it is called off.
pub(super) async fn unless<T>(
    mut called_off: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, TrialError>>,
) -> Result<T, TrialError> {
    tokio::select! {
        ended = work => ended,
        _ = called_off.wait_for(|off| *off) => Err(TrialError::CalledOff),
    }
}
