//! The checks and the tests, run behind the wall on a view of their own.

use std::path::PathBuf;
use std::sync::Arc;

use super::commands::Commands;
use super::place::ScratchFolder;
use crate::cli::output;
use crate::journal::Outcome;
use crate::run::{Failure, Interrupts, RENAMES, beside::Beside, read_results, show_dependencies};
use crate::sandbox::{OverlayPlan, ProgressListener, WorkerError, WorkerPlan};
use crate::settings::{Redactor, Settings, TestCommand, Writes};
use crate::testing::{Copies, TrialError, TrialResult, Trials};
use crate::text::sanitise_line;
use crate::workspace::{Blobs, ChangeSet, Repository};

/// What fails is run twice, to tell those that always fail from flaky ones.
const TIMES: u32 = 2;
/// The name of the trial, and of the folder of its logs.
const NAME: &str = "view";
/// Paths that are looked through for folders of dependencies.
const MAX_PATHS: usize = 100_000;

/// What is needed to hold it.
pub struct Trial<'a> {
    /// Whose tree.
    pub repository: &'a Repository,
    /// Limits and the wall.
    pub settings: &'a Settings,
    /// Takes known secrets out of what tests print.
    pub redactor: &'a Redactor,
    /// Where everything happens.
    pub place: &'a ScratchFolder,
}

impl Trial<'_> {
    /// Runs `commands` on the tree with `changes`, whose contents are in `blobs`.
    ///
    /// # Errors
    /// When there can't be a view or a worker, and when a person ends it.
    pub fn hold(&self, commands: &Commands, changes: &ChangeSet, blobs: &Blobs) -> Result<TrialResult, Failure> {
        let trials = Trials {
            repository: self.repository.clone(),
            plan: self.plan(&commands.tests),
            dependencies: self.settings.dependencies.value.clone(),
            folder: self.place.path("trials"),
            way_back: ChangeSet::new(Vec::new()),
            blobs: blobs.folder().to_owned(),
            checks: commands.checks.iter().flatten().cloned().collect(),
            writes: Writes::of(&[]),
            copies: Copies::of(&self.settings.state_dir.value, self.repository.root(), Some(&commands.tests)),
            residue: Arc::default(),
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
        let held = runtime.block_on(async {
            let Interrupts { asked, mut insisted } = Interrupts::listen()?;
            let held = async { trials.rehearse(NAME, changes, TIMES, asked).await };
            let held = tokio::select! {
                held = held => held,
                _ = insisted.wait_for(|insisted| *insisted) => Err(TrialError::CalledOff),
            };
            held.map_err(|error| failure(&error, self.redactor))
        });
        // A copy that is still being made was told to stop.
        runtime.shutdown_background();
        let mut held = held?;
        if trials.copies.are_needed() {
            output::say(&format!("tested in a copy of the tree: {RENAMES}"));
        }
        let logs = trials.plan.logs.join(NAME);
        for run in held.checks.iter_mut().chain(&mut held.tests) {
            read_results(run, &logs, self.redactor, &trials.plan.hidden).map_err(anyhow::Error::from)?;
        }
        Ok(held)
    }

    fn plan(&self, command: &TestCommand) -> WorkerPlan {
        let (settings, root) = (self.settings, self.repository.root());
        let seen = self.repository.outline_paths(MAX_PATHS);
        // Which overlay that is, the trial says; this only says that one is wanted.
        let overlay = OverlayPlan { tree: root.to_owned(), layers: PathBuf::new(), git: Vec::new() };
        let mut plan = WorkerPlan {
            view: root.to_owned(),
            overlay: Some(overlay),
            tree: None,
            logs: self.place.path("logs"),
            scratch: self.place.path("scratch"),
            // Where no overlay can be had, a cache is shown as it is, read-only.
            readable: [&settings.readable.value[..], &settings.caches.value].concat(),
            hidden: Vec::new(),
            caches: settings.caches.value.clone(),
            private: vec![settings.state_dir.value.clone()],
            tests: Some(command.clone()),
            deadline: settings.test_deadline.value,
            idle: settings.test_idle.value,
            child_env: settings.child_env.value.clone(),
            readable_secrets: settings.readable_secrets.value.clone(),
            sandbox: settings.sandbox.value,
            listener: ProgressListener::default(),
            program: None,
        };
        let dependencies = self.repository.dependencies(&settings.dependencies.value, &seen);
        let outside = self.repository.outside(&seen);
        let beside = Beside::of(outside, &plan, self.repository, &settings.state_dir.value);
        beside.tell(&mut plan).iter().for_each(|note| output::say(&sanitise_line(note)));
        for note in show_dependencies(&mut plan, dependencies, root) {
            output::say(&sanitise_line(&note));
        }
        plan
    }
}

/// What a person is told of a trial that could not be held.
pub fn failure(error: &TrialError, redactor: &Redactor) -> Failure {
    let told = redactor.text(&error.to_string()).into_owned();
    match error {
        TrialError::CalledOff => Failure::new(Outcome::Interrupted, "interrupted", "nothing is left of it"),
        TrialError::View(error) => Failure::new(error.outcome(), told, error.hint()),
        TrialError::Changes(error) => Failure::new(error.outcome(), told, error.hint()),
        TrialError::Worker(error @ WorkerError::SandboxIncomplete { .. }) => {
            Failure::new(Outcome::Refused, told, error.hint())
        }
        TrialError::Worker(error) if error.is_disk_failure() => Failure::new(Outcome::Storage, told, error.hint()),
        TrialError::Worker(error @ WorkerError::Late(_)) => Failure::new(Outcome::TryAgain, told, error.hint()),
        TrialError::Worker(error) => Failure::new(Outcome::Internal, told, error.hint()),
        TrialError::Io(_) | TrialError::Restless => Failure::internal(told),
    }
}
