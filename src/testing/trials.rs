//! The tests on another state than the run's own: the start, or the start with some of the changes.
//!
//! Each trial has a view and a worker of its own, behind the same wall as the run's, and leaves nothing but its log.

mod session;

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::copies::{Copies, failed_to_rename};
use super::patching::patch_of;
use crate::journal::Residue;
use crate::sandbox::{OverlayPlan, Worker, WorkerError, WorkerPlan};
use crate::settings::{TestCommand, Writes};
use crate::tools::TestRun;
use crate::workspace::{
    ApplyError, ChangeSet, Copying, NoOverlay, Overlay, Patch, Repository, View, WorkspaceError, remove_tree_soon,
    vacate,
};

pub use session::Session;

/// How often tests are run on a patch at most, until they leave it as it was.
const PROOFS: u32 = 2;

/// What all trials of a run have in common.
#[derive(Clone)]
pub struct Trials {
    /// Whose start state it is.
    pub repository: Repository,
    /// The run's own plan; its view, scratch folder and logs are replaced by each trial's own.
    pub plan: WorkerPlan,
    /// Ignored folders to make visible in a copy.
    pub dependencies: Vec<String>,
    /// The folder that trials are held in.
    pub folder: PathBuf,
    /// What leads from the user's tree to the start state: nothing, but in a replay whose patch stands in the tree already.
    pub way_back: ChangeSet,
    /// Where the contents of changes are kept.
    pub blobs: PathBuf,
    /// What is run besides the tests, in this order: before them where it has to be the same as on the patch.
    pub checks: Vec<TestCommand>,
    /// What of the files that commands write is part of a patch that is proven.
    pub writes: Writes,
    /// Whether views are copies although the plan names an overlay.
    pub copies: Copies,
    /// What had to be killed at the ends of trials, all together.
    pub residue: Arc<Mutex<Residue>>,
}

/// A trial that could not be held.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Its view can't be made.
    #[error(transparent)]
    View(#[from] WorkspaceError),
    /// The changes don't fit the tree any more.
    #[error(transparent)]
    Changes(#[from] ApplyError),
    /// Its worker failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Its folder can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The tests write something else into the tree each time.
    #[error("each run of the tests changes the tree")]
    Restless,
    /// The run ended first.
    #[error("called off")]
    CalledOff,
}

/// A part of a patch that tests ran on in a view of its own.
#[derive(Debug)]
pub struct VerifiedPatch {
    /// How they went.
    pub run: TestRun,
    /// How the checks went, in their order.
    pub checks: Vec<TestRun>,
    /// The patch of that view, before and after they ran.
    pub patch: Patch,
}

/// What ran in a trial.
#[derive(Debug)]
pub struct TrialResult {
    /// The tests.
    pub tests: Vec<TestRun>,
    /// The checks, in their order; none when the tests failed already.
    pub checks: Vec<TestRun>,
}

struct TrialSandbox {
    worker: Worker,
    view: TrialView,
}

/// What a trial's worker shows.
enum TrialView {
    Copy(Box<View>),
    Overlay(Box<Overlay>),
}

impl Trials {
    /// Runs the tests, once or up to `times` as long as they fail, on the start state with `changes`. What is logged goes to
    /// `logs/NAME/`.
    ///
    /// # Errors
    /// When there can't be a view or a worker, or `called_off` turns true. Nothing is left behind then, either.
    pub async fn hold(
        &self,
        name: &str,
        changes: &ChangeSet,
        times: u32,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialResult, TrialError> {
        let folder = self.folder.join(name);
        let again = || self.held_in(&folder, name, changes, times, called_off.clone());
        let mut held = again().await;
        if self.begins_to_copy(name, &held) {
            held = again().await;
            self.keep_copying(name, &held);
        }
        // What can't be removed now goes with what else killed runs leave.
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
        held
    }

    /// Runs the checks and then the tests on the start state with `changes`, all of them, as a run does at its end. What fails
    /// is run again, up to `times`; of a check the last run counts.
    ///
    /// # Errors
    /// As [`Trials::hold`].
    pub async fn rehearse(
        &self,
        name: &str,
        changes: &ChangeSet,
        times: u32,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialResult, TrialError> {
        let folder = self.folder.join(name);
        let rehearse = || self.rehearsed_in(&folder, name, changes, times, called_off.clone());
        let mut held = rehearse().await;
        if self.begins_to_copy(name, &held) {
            held = rehearse().await;
            self.keep_copying(name, &held);
        }
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
        held
    }

    /// Runs the tests on the start state with `changes`, and says what patch their view made by then, which may be more: a
    /// lock file that was written. The tests are run once more where it is, so that they ran on what the patch describes.
    ///
    /// # Errors
    /// As [`Trials::hold`].
    pub async fn prove(
        &self,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<VerifiedPatch, TrialError> {
        let folder = self.folder.join(name);
        let proven = self.proven_in(&folder, name, changes, called_off).await;
        let _ = tokio::task::spawn_blocking(move || remove_tree_soon(&folder)).await;
        proven
    }

    /// Whether what ran failed in an overlay because that can't rename folders. From now on views are copies, then.
    fn begins_to_copy(&self, name: &str, held: &Result<TrialResult, TrialError>) -> bool {
        let begins = self.plan.overlay.is_some() && !self.copies.are_needed() && self.failed_to_rename(name, held);
        if begins {
            self.copies.ask();
        }
        begins
    }

    /// The next run begins with a copy only where that helped.
    fn keep_copying(&self, name: &str, held: &Result<TrialResult, TrialError>) {
        if self.failed_to_rename(name, held) {
            self.copies.forget();
        }
    }

    fn failed_to_rename(&self, name: &str, held: &Result<TrialResult, TrialError>) -> bool {
        let logs = self.plan.logs.join(name);
        let Ok(held) = held else { return false };
        [&held.tests, &held.checks].into_iter().filter_map(|runs| runs.last()).any(|run| failed_to_rename(run, &logs))
    }

    async fn held_in(
        &self,
        folder: &Path,
        name: &str,
        changes: &ChangeSet,
        times: u32,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialResult, TrialError> {
        let TrialSandbox { worker, .. } = self.enclosure(folder, name, changes, called_off.clone()).await?;
        let all = async {
            let tests = self.run_tests(&worker, times).await?;
            let passed = tests.last().is_some_and(TestRun::passed);
            let checks = if passed { self.run_checks(&worker).await? } else { Vec::new() };
            Ok(TrialResult { tests, checks })
        };
        let ended = unless(called_off, all).await;
        self.end(worker).await;
        ended
    }

    async fn rehearsed_in(
        &self,
        folder: &Path,
        name: &str,
        changes: &ChangeSet,
        times: u32,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialResult, TrialError> {
        let TrialSandbox { worker, .. } = self.enclosure(folder, name, changes, called_off.clone()).await?;
        let all = async {
            let mut checks = Vec::new();
            for command in &self.checks {
                checks.extend(repeat(&worker, command, times).await?.pop());
            }
            Ok(TrialResult { tests: self.run_tests(&worker, times).await?, checks })
        };
        let ended = unless(called_off, all).await;
        self.end(worker).await;
        ended
    }

    async fn proven_in(
        &self,
        folder: &Path,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<VerifiedPatch, TrialError> {
        let TrialSandbox { worker, view } = self.enclosure(folder, name, changes, called_off.clone()).await?;
        let all = async {
            let mut view = match view {
                TrialView::Copy(view) => *view,
                TrialView::Overlay(overlay) => View::over(&self.repository, folder, &overlay, &self.dependencies)?,
            };
            view.tell_commands_from_tools(self.writes.clone());
            let view = Arc::new(view);
            let mut ran_on = patch_of(&view, Vec::new(), true).await?.sha256;
            for _ in 0..PROOFS {
                let checks = self.run_checks(&worker).await?;
                let run = worker.run_tests(&[]).await?;
                let patch = patch_of(&view, Vec::new(), true).await?;
                if patch.sha256 == ran_on {
                    return Ok(VerifiedPatch { run, checks, patch });
                }
                ran_on = patch.sha256;
            }
            Err(TrialError::Restless)
        };
        let ended = unless(called_off, all).await;
        self.end(worker).await;
        ended
    }

    async fn run_tests(&self, worker: &Worker, times: u32) -> Result<Vec<TestRun>, TrialError> {
        match &self.plan.tests {
            Some(command) => repeat(worker, command, times).await,
            None => Ok(Vec::new()),
        }
    }

    async fn run_checks(&self, worker: &Worker) -> Result<Vec<TestRun>, TrialError> {
        let mut runs = Vec::new();
        for command in &self.checks {
            runs.push(worker.run_command(command).await?);
        }
        Ok(runs)
    }

    /// Ends a worker; what it had to kill is counted.
    async fn end(&self, worker: Worker) {
        let left = worker.stop().await;
        *self.residue.lock().unwrap_or_else(PoisonError::into_inner) += left;
    }

    /// A worker in a view of its own.
    async fn enclosure(
        &self,
        folder: &Path,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<TrialSandbox, TrialError> {
        let before = folder.to_owned();
        tokio::task::spawn_blocking(move || vacate(&before)).await.map_err(io::Error::from)??;
        let place = View::place(&self.repository, folder)?;
        symlink(&self.blobs, folder.join("blobs"))?;
        let mut plan = WorkerPlan {
            view: place.clone(),
            scratch: folder.join("scratch"),
            logs: self.plan.logs.join(name),
            listener: self.plan.listener.about(name),
            ..self.plan.clone()
        };
        let changes = self.way_back.then(changes);
        let overlay = self.overlay(folder, &changes)?;
        plan.overlay = overlay.as_ref().map(OverlayPlan::of);
        let (worker, sandbox) = Worker::start(plan).await?;
        let mounted = sandbox.layers.iter().any(|layer| layer.name == "overlay" && layer.holds);
        if let Some(overlay) = overlay.filter(|_| mounted) {
            return Ok(TrialSandbox { worker, view: TrialView::Overlay(Box::new(overlay)) });
        }
        let stop = Arc::new(AtomicBool::new(false));
        let copied = tokio::task::spawn_blocking(self.copy(folder, place, changes, Arc::clone(&stop)));
        let mut called_off = called_off;
        let copied = tokio::select! {
            copied = copied => copied.unwrap_or_else(|panic| Err(io::Error::other(panic).into())),
            _ = called_off.wait_for(|off| *off) => {
                stop.store(true, Ordering::Relaxed);
                Err(TrialError::CalledOff)
            }
        };
        match copied {
            Ok(view) => Ok(TrialSandbox { worker, view: TrialView::Copy(Box::new(view)) }),
            Err(error) => {
                self.end(worker).await;
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

    fn copy(
        &self,
        folder: &Path,
        place: PathBuf,
        changes: ChangeSet,
        stop: Arc<AtomicBool>,
    ) -> impl FnOnce() -> Result<View, TrialError> + Send + 'static {
        let (repository, folder) = (self.repository.clone(), folder.to_owned());
        let dependencies = self.dependencies.clone();
        move || {
            let copying =
                Copying { repository: &repository, run: &folder, place, dependencies: &dependencies, stop: &stop };
            let view = View::fill(&copying)?;
            if !changes.is_empty() {
                view.restore(&changes)?;
            }
            Ok(view)
        }
    }
}

/// Runs `command`, up to `times` as long as it fails.
async fn repeat(worker: &Worker, command: &TestCommand, times: u32) -> Result<Vec<TestRun>, TrialError> {
    let mut runs: Vec<TestRun> = Vec::new();
    while runs.len() < times as usize {
        let run = worker.run_command(command).await?;
        let again = !run.passed() && run.stopped.is_none();
        runs.push(run);
        if !again {
            break;
        }
    }
    Ok(runs)
}

/// Waits for `work`, unless it is called off.
async fn unless<T>(
    mut called_off: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, TrialError>>,
) -> Result<T, TrialError> {
    tokio::select! {
        ended = work => ended,
        _ = called_off.wait_for(|off| *off) => Err(TrialError::CalledOff),
    }
}
