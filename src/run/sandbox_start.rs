//! What a run works in: the worker in its sandbox, and the private view that it shows.
//!
//! Both take longer than anything else before the first request, so that they are made in steps, each beside
//! something else: [`LaunchedSandbox`] is a process that was started, [`ConfinedSandbox`] one that confines itself,
//! [`RunningSandbox`] one that serves, while its view may still be copied.

use std::path::Path;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::chosen_tests::ChosenTests;
use super::consents::Beside;
use super::failure::Failure;
use super::new_view::{NewView, NewViewKind};
use super::run_spec::RunSpec;
use super::view_slot::PendingView;
use super::visible_paths::show_to_tests;
use crate::journal::{Layer, Outcome, Residue, RunFolder, SandboxBuilt};
use crate::sandbox::{
    Launched, OverlayPlan, ProgressListener, SearchToKeep, Worker, WorkerError, WorkerFolders, WorkerPlan,
};
use crate::settings::Redactor;
use crate::testing::{Copies, RENAMES};
use crate::workspace::{Dependencies, Overlay, View, remove_tree};

/// A worker's process that was started, and what it is to be told as far as that is known.
pub(super) struct LaunchedSandbox {
    plan: WorkerPlan,
    process: LaunchedProcess,
    overlay: Result<Overlay, String>,
}

/// Whether the process has its configuration.
enum LaunchedProcess {
    Untold(Result<Launched, WorkerError>),
    /// The plan that it was given.
    Told(Box<WorkerPlan>, Confining),
}

type Confining = JoinHandle<Result<(Worker, SandboxBuilt), WorkerError>>;

pub(super) struct ConfinedSandbox {
    confined: Confining,
    told: Box<WorkerPlan>,
    /// What it would have been told, had all been known.
    plan: WorkerPlan,
    overlay: Result<Overlay, String>,
    /// Which dependencies tests don't see.
    notes: Vec<String>,
}

pub(super) struct RunningSandbox {
    pub worker: Worker,
    pub making: PendingView,
    /// What it was told; other workers of the run are told the same, of views of their own.
    pub plan: WorkerPlan,
    /// What had to be killed of one that had been told too little.
    pub left: Residue,
}

impl LaunchedSandbox {
    /// Starts the process, and prepares the layers of the view meanwhile.
    pub(super) fn begin(spec: &RunSpec<'_>, folder: &RunFolder) -> Result<Self, Failure> {
        let place = View::place(&spec.repository, folder.path())?;
        let folders = WorkerFolders { view: place, logs: folder.logs(), scratch: folder.scratch() };
        let mut plan = WorkerPlan::new(&spec.settings, folders);
        let process = LaunchedProcess::Untold(Worker::launch(&plan));
        let overlay = overlay(spec, folder);
        plan.overlay = overlay.as_ref().ok().map(OverlayPlan::of);
        Ok(Self { plan, process, overlay })
    }

    /// Has `listener` told how far commands are.
    pub(super) fn heard_by(mut self, listener: ProgressListener) -> Self {
        self.plan.listener = listener;
        self
    }

    /// Has the view be a copy where the tests are known to need one.
    pub(super) fn copied_where(mut self, copies: &Copies) -> Self {
        if let Some(overlay) = self.overlay.as_ref().ok().filter(|_| copies.are_needed()) {
            // What can't be removed now goes with the view.
            let _ = remove_tree(overlay.layers());
            (self.plan.overlay, self.overlay) = (None, Err(RENAMES.to_owned()));
        }
        self
    }

    /// What the process will be told, as far as it is known.
    pub(super) const fn plan(&self) -> &WorkerPlan {
        &self.plan
    }

    /// Tells the process what to confine itself to before it is known what the repository has, unless its view is a copy or tests
    /// `see_beside` the tree: an overlay shows the whole tree, so that there is seldom anything else to be shown. It needs the
    /// runtime to be told.
    pub(super) fn confine_early(mut self, tests: &ChosenTests, root: &Path, see_beside: bool) -> Self {
        self.plan.tests.clone_from(&tests.command);
        self.plan.work_on(root);
        self.process = match self.process {
            LaunchedProcess::Untold(launched) if self.overlay.is_ok() && !see_beside => {
                LaunchedProcess::Told(Box::new(self.plan.clone()), confining(launched, self.plan.clone()))
            }
            other => other,
        };
        self
    }

    /// Tells the process what to confine itself to, unless it was told; it needs the runtime to be told. `beside` lies outside
    /// of the tree.
    pub(super) fn confine(
        self,
        tests: &ChosenTests,
        dependencies: Dependencies,
        beside: Beside,
        root: &Path,
    ) -> ConfinedSandbox {
        let Self { mut plan, process, overlay } = self;
        plan.tests.clone_from(&tests.command);
        let notes = show_to_tests(&mut plan, beside, dependencies, root);
        let (told, confined) = match process {
            LaunchedProcess::Told(told, confined) => (told, confined),
            LaunchedProcess::Untold(launched) => (Box::new(plan.clone()), confining(launched, plan.clone())),
        };
        ConfinedSandbox { confined, told, plan, overlay, notes }
    }
}

impl ConfinedSandbox {
    /// Waits for it to serve, and tells what confines it. The view is made in the background, not before `asked` turns true.
    pub(super) async fn serve(
        self,
        spec: &RunSpec<'_>,
        folder: &RunFolder,
        redactor: &Redactor,
        asked: watch::Sender<bool>,
    ) -> Result<(RunningSandbox, SandboxBuilt), Failure> {
        let confined = self.confined.await.map_err(anyhow::Error::from)?;
        let failed = |error: WorkerError| worker_failure(&error, redactor);
        let (mut worker, mut sandbox) = confined.map_err(failed)?;
        let (mut plan, mut left) = (self.plan, Residue::default());
        let is_mounted = sandbox.layers.iter().any(|layer| layer.name == "overlay" && layer.holds);
        if !plan.shows_the_same_as(&self.told, is_mounted) {
            // Two can't have the same layers of an overlay.
            left = worker.stop().await;
            if left.survivors > 0 {
                let message = "a process of the first worker can't be ended, and two workers can't share a view";
                return Err(Failure::new(Outcome::Internal, message, "run the same command again"));
            }
            (worker, sandbox) = Box::pin(Worker::start(plan.clone())).await.map_err(failed)?;
        }
        keep_search(worker.search_to_keep(), asked.subscribe());
        let (kind, notes) = match mounted(self.overlay, &mut sandbox) {
            Ok(overlay) => (NewViewKind::Overlay(overlay), self.notes),
            Err(why) => {
                plan.overlay = None;
                let notes = [vec![format!("copied, as an overlay can't be had: {why}")], self.notes].concat();
                (NewViewKind::Copy { place: plan.view.clone(), changes: spec.changes() }, notes)
            }
        };
        let view = NewView {
            repository: spec.repository.clone(),
            run: folder.path().to_owned(),
            dependencies: spec.settings.dependencies.value.clone(),
            writes: spec.conditions.writes.clone(),
            notes,
            kind,
        };
        let making = view.begin(asked);
        Ok((RunningSandbox { worker, making, plan, left }, sandbox))
    }
}

/// Keeps what a search found for later runs, once `asked` turns true: before the first request it would only hold that up.
fn keep_search(found: Option<SearchToKeep>, mut asked: watch::Receiver<bool>) {
    let Some(found) = found else { return };
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            // Without it the next run searches again.
            tokio::task::spawn_blocking(move || drop(found.write()));
        }
    });
}

/// Sends `plan` to the process, which then confines itself.
fn confining(launched: Result<Launched, WorkerError>, plan: WorkerPlan) -> Confining {
    tokio::spawn(async move { launched?.confine(plan).await })
}

fn worker_failure(error: &WorkerError, redactor: &Redactor) -> Failure {
    Failure::new(error.outcome(), redactor.text(&error.to_string()), error.hint())
}

/// The layers of an overlay, with what a run that goes on had changed; or why there can't be one.
fn overlay(spec: &RunSpec<'_>, folder: &RunFolder) -> Result<Overlay, String> {
    Overlay::prepare(&spec.repository, folder.path(), spec.changes()).map_err(|error| error.to_string())
}

/// The overlay, if the worker could mount it; the layers tell why there is none, whoever found out.
fn mounted(overlay: Result<Overlay, String>, sandbox: &mut SandboxBuilt) -> Result<Overlay, String> {
    match (overlay, sandbox.layers.iter().find(|layer| layer.name == "overlay")) {
        (Ok(_), Some(layer)) if !layer.holds => Err(layer.detail.clone()),
        (Err(why), None) => {
            sandbox.layers.push(Layer::missing("overlay", why.clone()));
            Err(why)
        }
        (overlay, _) => overlay,
    }
}
