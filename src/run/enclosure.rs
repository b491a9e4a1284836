//! What a run works in: the worker behind its wall, and the private view that it shows.
//!
//! Both take longer than anything else before the first request, so that they are made in steps, each beside
//! something else: [`LaunchedSandbox`] is a process that was started, [`ConfinedSandbox`] one that confines itself,
//! [`RunningSandbox`] one that serves, while its view may still be copied.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::beside::Beside;
use super::chosen_tests::ChosenTests;
use super::failure::Failure;
use super::replay_context::ReplayContext;
use super::run_spec::RunSpec;
use super::view_slot::PendingView;
use crate::journal::{Layer, Outcome, RunFolder, SandboxBuilt};
use crate::planner::EnvironmentError;
use crate::sandbox::{self, Launched, OverlayPlan, ProgressListener, Worker, WorkerError, WorkerPlan};
use crate::settings::{Redactor, Settings, Writes};
use crate::testing::Copies;
use crate::workspace::{ChangeSet, Copying, Dependencies, LeadingOut, Overlay, Repository, View, remove_tree};

/// Links of dependency folders that are named one by one.
const MOST_NOTES: usize = 3;
/// Why what the user's settings name isn't shown, where it isn't the place itself.
const COVERED: &str = "it is covered, as secrets, sockets and devices are";

/// Why a view isn't an overlay although it could be.
pub const RENAMES: &str = "the tests rename a folder of the tree, which an overlay can't";

/// A worker's process that was started and knows nothing yet.
pub struct LaunchedSandbox {
    plan: WorkerPlan,
    launched: Result<Launched, WorkerError>,
    overlay: Result<Overlay, String>,
}

/// A worker that confines itself.
pub struct ConfinedSandbox {
    confined: JoinHandle<Result<(Worker, SandboxBuilt), WorkerError>>,
    plan: WorkerPlan,
    overlay: Result<Overlay, String>,
    /// Which dependencies tests don't see.
    notes: Vec<String>,
}

/// A worker that serves.
pub struct RunningSandbox {
    /// It.
    pub worker: Worker,
    /// What confines it.
    pub sandbox: SandboxBuilt,
    /// Its view.
    pub making: PendingView,
    /// What it was told; other workers of the run are told the same, of views of their own.
    pub plan: WorkerPlan,
}

impl LaunchedSandbox {
    /// Starts the process, and prepares the layers of the view meanwhile.
    pub fn begin(order: &RunSpec<'_>, folder: &RunFolder) -> Result<Self, Failure> {
        if let Some(again) = &order.again {
            again.lay_out(folder).map_err(anyhow::Error::from)?;
        }
        let place = View::place(&order.repository, folder.path())?;
        let mut plan = worker_plan(&order.settings, folder, place);
        let launched = Worker::launch(&plan);
        let overlay = overlay(order, folder);
        plan.overlay = overlay.as_ref().ok().map(OverlayPlan::of);
        Ok(Self { plan, launched, overlay })
    }

    /// Has `listener` told how far commands are.
    pub fn heard_by(mut self, listener: ProgressListener) -> Self {
        self.plan.listener = listener;
        self
    }

    /// Has the view be a copy where the tests are known to need one.
    pub fn copied_where(mut self, copies: &Copies) -> Self {
        if let Some(overlay) = self.overlay.as_ref().ok().filter(|_| copies.are_needed()) {
            // What can't be removed now goes with the view.
            let _ = remove_tree(overlay.layers());
            (self.plan.overlay, self.overlay) = (None, Err(RENAMES.to_owned()));
        }
        self
    }

    /// What the process will be told, as far as it is known.
    pub const fn plan(&self) -> &WorkerPlan {
        &self.plan
    }

    /// Tells the process what to confine itself to; it needs the runtime to be told. `beside` lies outside of the tree.
    pub fn confine(
        self,
        tests: &ChosenTests,
        dependencies: Dependencies,
        beside: Beside,
        root: &Path,
    ) -> ConfinedSandbox {
        let Self { mut plan, launched, overlay } = self;
        plan.tests.clone_from(&tests.command);
        let mut notes = beside.tell(&mut plan);
        notes.extend(show_dependencies(&mut plan, dependencies, root));
        let told = plan.clone();
        let confined = tokio::spawn(async move { launched?.confine(told).await });
        ConfinedSandbox { confined, plan, overlay, notes }
    }
}

impl ConfinedSandbox {
    /// Waits for the wall. The view is made in the background, not before `asked` turns true.
    pub async fn serve(
        self,
        order: &RunSpec<'_>,
        folder: &RunFolder,
        redactor: &Redactor,
        asked: watch::Sender<bool>,
    ) -> Result<RunningSandbox, Failure> {
        let confined = self.confined.await.map_err(anyhow::Error::from)?;
        let (worker, mut sandbox) = confined.map_err(|error| worker_failure(&error, redactor))?;
        let mut plan = self.plan;
        let making = match mounted(self.overlay, &mut sandbox) {
            Ok(overlay) => opened(order, folder, overlay, self.notes, asked),
            Err(why) => {
                plan.overlay = None;
                let notes = [vec![format!("copied, as an overlay can't be had: {why}")], self.notes].concat();
                copied(order, folder, plan.view.clone(), notes, asked)
            }
        };
        Ok(RunningSandbox { worker, sandbox, making, plan })
    }
}

/// The plan as far as it is known without a look at the repository.
pub fn worker_plan(settings: &Settings, folder: &RunFolder, view: PathBuf) -> WorkerPlan {
    WorkerPlan {
        view,
        overlay: None,
        tree: None,
        logs: folder.logs(),
        scratch: folder.scratch(),
        // Where no overlay can be had, a cache is shown as it is, read-only.
        readable: [&settings.readable.value[..], &settings.caches.value].concat(),
        hidden: Vec::new(),
        caches: settings.caches.value.clone(),
        private: vec![settings.state_dir.value.clone()],
        tests: None,
        deadline: settings.test_deadline.value,
        idle: settings.test_idle.value,
        child_env: settings.child_env.value.clone(),
        readable_secrets: settings.readable_secrets.value.clone(),
        sandbox: settings.sandbox.value,
        listener: ProgressListener::default(),
        program: None,
    }
}

/// Adds what tests need of `dependencies` to `plan`. Those that are links to what isn't shown are named, a sentence each, and
/// so is what the user's own settings name in vain.
pub fn show_dependencies(plan: &mut WorkerPlan, dependencies: Dependencies, root: &Path) -> Vec<String> {
    let wanted = plan.readable.clone();
    plan.readable.extend(dependencies.folders);
    plan.private.push(root.to_owned());
    plan.tree = Some(root.to_owned());
    if dependencies.leading_out.is_empty() && dependencies.borrowed.is_empty() && wanted.is_empty() {
        return Vec::new();
    }
    let shown = sandbox::shown(plan);
    let is_refused = |path: &&PathBuf| fs::canonicalize(path).is_ok_and(|real| !shown.shows(&real));
    let refused = wanted.iter().filter(is_refused);
    let mut notes: Vec<_> = refused
        .map(|path| {
            let why = sandbox::why_refused(path, &plan.private).unwrap_or(COVERED);
            format!("readable = {:?} is not shown to tests: {why}", path.display().to_string())
        })
        .collect();
    let unseen = dependencies.leading_out.iter().filter(|link| !shown.shows(&link.target));
    notes.extend(unseen.clone().take(MOST_NOTES).map(LeadingOut::note));
    if let more @ 1.. = unseen.count().saturating_sub(MOST_NOTES) {
        notes.push(format!("{more} more links of dependency folders are not followed either"));
    }
    notes.extend(dependencies.borrowed.iter().filter(|path| !shown.shows(path)).map(|path| borrowed(path)));
    notes
}

/// What the user should know about git's objects that tests don't see. Nothing is advised that would show them: it is the repository
/// that names the place.
fn borrowed(place: &Path) -> String {
    format!(
        "git finds not all of its objects in tests: the repository borrows some from {}, which isn't shown; after `git repack -a -d` and \
         without .git/objects/info/alternates it has them itself",
        place.display()
    )
}

fn worker_failure(error: &WorkerError, redactor: &Redactor) -> Failure {
    let outcome = match error {
        WorkerError::SandboxIncomplete { .. } => Outcome::Refused,
        WorkerError::Late(_) => Outcome::TryAgain,
        error if error.is_disk_failure() => Outcome::Storage,
        _ => Outcome::Internal,
    };
    Failure::new(outcome, redactor.text(&error.to_string()), error.hint())
}

/// The layers of an overlay, with what a run that goes on had changed; or why there can't be one.
fn overlay(order: &RunSpec<'_>, folder: &RunFolder) -> Result<Overlay, String> {
    Overlay::prepare(&order.repository, folder.path(), order.changes()).map_err(|error| error.to_string())
}

/// The overlay, if the worker could mount it; the wall tells why there is none, whoever found out.
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

/// What commands write belongs to the patch of an older run that is played again; else what `named` says.
pub fn writes(again: Option<&ReplayContext>, named: Writes) -> Option<Writes> {
    let is_older = again.is_some_and(|again| again.recording.started.writes.is_none());
    (!is_older).then_some(named)
}

fn writes_of(order: &RunSpec<'_>) -> Option<Writes> {
    let (settings, asked) = (&order.settings, &order.options.include_generated);
    let named = Writes::of_both(&settings.writes.value, &settings.repository_writes).with_asked(asked);
    writes(order.again.as_deref(), named)
}

/// Opens the overlay, which has the changes of a run that goes on in it.
fn opened(
    order: &RunSpec<'_>,
    folder: &RunFolder,
    overlay: Overlay,
    notes: Vec<String>,
    asked: watch::Sender<bool>,
) -> PendingView {
    let (repository, run) = (order.repository.clone(), folder.path().to_owned());
    let dependencies = order.settings.dependencies.value.clone();
    let writes = writes_of(order);
    PendingView::new(asked, Arc::default(), move || {
        let mut view = View::over(&repository, &run, &overlay, &dependencies)?;
        view.note_first(notes);
        if let Some(writes) = writes {
            view.tell_commands_from_tools(writes);
        }
        Ok(view)
    })
}

/// Copies the tree; a run that goes on gets its changes back.
fn copied(
    order: &RunSpec<'_>,
    folder: &RunFolder,
    place: PathBuf,
    notes: Vec<String>,
    asked: watch::Sender<bool>,
) -> PendingView {
    let copy = TreeCopy {
        repository: order.repository.clone(),
        run: folder.path().to_owned(),
        place,
        dependencies: order.settings.dependencies.value.clone(),
        changes: order.changes(),
        writes: writes_of(order),
        notes,
    };
    copy.begin(asked)
}

/// A copy of the tree that is to be the view.
pub struct TreeCopy {
    /// Whose tree.
    pub repository: Repository,
    /// The run's folder.
    pub run: PathBuf,
    /// Where the copy is made.
    pub place: PathBuf,
    /// Ignored folders to make visible in it.
    pub dependencies: Vec<String>,
    /// What was changed so far.
    pub changes: ChangeSet,
    /// What of the files that commands write is part of the patch.
    pub writes: Option<Writes>,
    /// What is told of the view first.
    pub notes: Vec<String>,
}

impl TreeCopy {
    /// Makes it in the background, not before `asked` turns true.
    pub fn begin(self, asked: watch::Sender<bool>) -> PendingView {
        let stop = Arc::<AtomicBool>::default();
        let called_off = Arc::clone(&stop);
        PendingView::new(asked, stop, move || self.make(&called_off))
    }

    fn make(self, stop: &AtomicBool) -> Result<View, EnvironmentError> {
        let Self { repository, run, place, dependencies, changes, writes, notes } = self;
        let copying = Copying { repository: &repository, run: &run, place, dependencies: &dependencies, stop };
        let mut view = View::fill(&copying)?;
        view.note_first(notes);
        if let Some(writes) = writes {
            view.tell_commands_from_tools(writes);
        }
        if !changes.is_empty()
            && !stop.load(Ordering::Relaxed)
            && let Err(error) = view.restore(&changes)
        {
            // The run can't go on in this view; nothing of it may stay.
            let _ = view.remove();
            return Err(error.into());
        }
        Ok(view)
    }
}
