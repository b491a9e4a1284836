//! Tests and checks, run in a sandbox and a view of their own.

use std::path::PathBuf;

use tokio::sync::watch;

use crate::journal::Outcome;
use crate::run::consents::Beside;
use crate::run::failure::Failure;
use crate::run::visible_paths::show_to_tests;
use crate::sandbox::{OverlayPlan, WorkerFolders, WorkerPlan};
use crate::settings::{Redactor, Settings, TestCommand};
use crate::testing::{Trial, TrialError, TrialFolders, TrialOrder, TrialResult, Trials};
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, Repository};

/// What fails is run twice: it may have been bad luck.
const TIMES: u32 = 2;
/// Paths that are looked through for folders of dependencies.
const MAX_PATHS: usize = 100_000;

/// Tests and checks to run in a trial.
pub(crate) struct Rerun<'a> {
    pub repository: &'a Repository,
    pub settings: &'a Settings,
    /// Takes known secrets out of what tests print.
    pub redactor: &'a Redactor,
    pub folders: TrialFolders,
    pub logs: PathBuf,
    pub tests: Option<&'a TestCommand>,
    /// The checks; `None` for one that can't be run any more.
    pub checks: &'a [Option<TestCommand>],
}

/// Results of the trial.
pub(crate) struct Reran {
    /// The tests, as often as they were run.
    pub tests: Vec<TestRun>,
    /// The checks; `None` for one that can't be run any more.
    pub checks: Vec<Option<TestRun>>,
}

impl Rerun<'_> {
    /// The trials, and a sentence each of what tests see of the machine and of what they don't.
    pub(crate) fn trials(&self) -> (Trials, Vec<String>) {
        let Self { repository, settings, .. } = self;
        let (root, outline) = (repository.root(), repository.outline_paths(MAX_PATHS));
        // That an overlay is wanted; its folders are the trial's own.
        let overlay = OverlayPlan { tree: root.to_owned(), layers: PathBuf::new(), git: Vec::new() };
        let folder = |name| self.folders.trials.join(name);
        let folders = WorkerFolders { view: folder("view"), logs: self.logs.clone(), scratch: folder("scratch") };
        let (overlay, tests) = (Some(overlay), self.tests.cloned());
        let mut plan = WorkerPlan { overlay, tests, ..WorkerPlan::new(settings, folders) };
        let beside = Beside::of(repository.outside(&outline), &plan, repository, &settings.state_dir.value);
        let dependencies = repository.dependencies(&settings.dependencies.value, &outline);
        let notes = show_to_tests(&mut plan, beside, dependencies, root);
        let checks = self.checks.iter().flatten().cloned().collect();
        let trials = Trials::new(repository, settings, plan, self.folders.clone(), self.redactor);
        (Trials { checks, ..trials }, notes)
    }

    /// BaselineRuns everything on the tree with `changes`, in the trial called `name`.
    ///
    /// # Errors
    /// When there can't be a view or a worker, and when it is called off.
    pub(crate) async fn hold(
        &self,
        trials: &Trials,
        name: &str,
        changes: &ChangeSet,
        called_off: watch::Receiver<bool>,
    ) -> Result<Reran, Failure> {
        let trial = Trial { name, changes, order: TrialOrder::ChecksFirst, times: TIMES };
        let held = trials.hold(trial, called_off).await;
        let TrialResult { tests, checks } = held.map_err(|error| trial_failure(&error, self.redactor))?;
        let mut ran = checks.into_iter();
        let checks = self.checks.iter().map(|command| command.as_ref().and_then(|_| ran.next()));
        Ok(Reran { tests, checks: checks.collect() })
    }
}

/// What a person is told of a trial that could not be held.
pub(crate) fn trial_failure(error: &TrialError, redactor: &Redactor) -> Failure {
    let told = redactor.text(&error.to_string()).into_owned();
    match error {
        TrialError::CalledOff => Failure::new(Outcome::Interrupted, "interrupted", "nothing of it was kept"),
        TrialError::View(error) => Failure::new(error.outcome(), told, error.hint()),
        TrialError::Changes(error) => Failure::new(error.outcome(), told, error.hint()),
        TrialError::Worker(error) => Failure::new(error.outcome(), told, error.hint()),
        TrialError::Io(_) | TrialError::Restless => Failure::internal(told),
    }
}
