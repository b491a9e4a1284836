//! What the planner works at: the sandbox with its tools, the private view and its patch, the tests. `tool_calls` and `verifier` are
//! how the planner sees it.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::baseline_runs::BaselineJob;
use super::certificate::Certificate;
use super::chosen_tests::ChosenTests;
use super::guard::TamperGuard;
use super::open_run::OpenRun;
use super::patch_verification::PatchVerification;
use super::run_spec::RunSpec;
use super::sandbox_start::RunningSandbox;
use super::start_state::StartState;
use super::trial_runs::TrialRuns;
use super::view_slot::ViewSlot;
use crate::journal::{CheckRan, Event, FileChange, GeneratedFile, Residue, RunFolder, TestsRan};
use crate::sandbox::Worker;
use crate::settings::Redactor;
use crate::testing;
use crate::workspace::{ChangeSet, Repository};

/// What the model reads of a run of the tests that failed because the view is an overlay.
pub(super) const COPIED_TEXT: &str = include_str!("../../prompts/copied_view.md");

pub(super) struct WrittenPatch {
    pub changes: ChangeSet,
    /// The changes with renames, for people.
    pub files: Vec<FileChange>,
}

/// The environment of a run with a worker and a view.
pub(super) struct RunEnvironment {
    pub worker: Worker,
    pub view: ViewSlot,
    pub folder: RunFolder,
    /// The user's repository, the start state of the view.
    pub repository: Repository,
    /// Tests and checks that verify the patch.
    pub tests: ChosenTests,
    /// Takes known secrets out of what comes from the sandbox.
    pub redactor: Redactor,
    /// What is known of the state that the run started from.
    pub start: StartState,
    /// Who looks at what the patch does to tests.
    pub guard: TamperGuard,
    /// What is noted for whoever checks the run later.
    pub certificate: Certificate,
    pub written: WrittenPatch,
    /// Changes that stand in the user's tree already and that the patch is told with.
    pub applied: ChangeSet,
    /// Trials on other states than the run's view.
    pub trials: TrialRuns,
    /// `--allow-failing-setup`.
    pub goes_on: bool,
    /// `--reproduce`.
    pub reproduce: bool,
    /// Tests that failed in any run so far.
    pub seen_failing: BTreeSet<String>,
    /// Results of the last verification.
    pub judged: PatchVerification,
    /// What commands wrote to the run's view and the patch doesn't hold.
    pub beside: Vec<GeneratedFile>,
    /// Why tests ran with that, where they couldn't run without.
    pub not_alone: Option<String>,
    /// How often they ran without, in views of their own.
    pub alone: u32,
    /// Files that commands write may become part of the patch.
    pub takes_writes: bool,
    /// The view is what the run started from: nothing was written to it, and no command ran in it.
    pub is_untouched: bool,
    /// What the journal is still to be told.
    pub untold: Vec<Event>,
    /// A command was ended before anybody read its log.
    pub was_cut_off: AtomicBool,
}

impl RunEnvironment {
    /// That of a run which works in `sandbox` and stands on `tests`.
    pub(super) fn new(
        spec: &RunSpec<'_>,
        open: &OpenRun,
        sandbox: RunningSandbox,
        tests: ChosenTests,
        redactor: &Redactor,
    ) -> Self {
        let RunningSandbox { worker, making, plan, left } = sandbox;
        let baselines = BaselineJob::new(spec, &open.folder, plan, redactor);
        *baselines.trials.residue.lock().unwrap_or_else(PoisonError::into_inner) += left;
        let (changes, files) = spec.patch_so_far();
        Self {
            worker,
            view: ViewSlot::Making(making),
            folder: open.folder.clone(),
            repository: spec.repository.clone(),
            certificate: Certificate::new(spec, open, tests.command.as_ref(), redactor),
            tests,
            redactor: redactor.clone(),
            trials: TrialRuns::new(baselines.trials.clone()),
            start: StartState::find_out(baselines, open.asked.subscribe()),
            guard: TamperGuard::of(spec),
            written: WrittenPatch { changes, files },
            applied: spec.conditions.applied.clone(),
            goes_on: spec.options.allow_failing_setup,
            reproduce: spec.options.reproduce,
            seen_failing: BTreeSet::new(),
            judged: PatchVerification::default(),
            beside: Vec::new(),
            not_alone: None,
            alone: 0,
            takes_writes: !spec.settings.writes.value.is_empty(),
            is_untouched: spec.is_at_the_start(),
            untold: Vec::new(),
            was_cut_off: AtomicBool::new(false),
        }
    }

    /// Ends the worker and all that is being made or measured. Returns what had to be killed.
    pub(super) async fn close(self) -> Residue {
        let mut residue = self.worker.stop().await;
        if self.was_cut_off.load(Ordering::Relaxed) {
            testing::clean_logs(&self.folder.logs(), &self.redactor);
        }
        self.trials.close().await;
        residue += self.start.close().await;
        self.view.close().await;
        residue
    }

    /// Has the start state measured by every command that stands behind the patch.
    pub(super) fn measure(&mut self) {
        let Self { tests, start, .. } = self;
        tests.command.iter().for_each(|command| start.measure(None, command));
        tests.checks.iter().for_each(|chosen| start.measure(Some(&chosen.check.name), &chosen.check.command));
    }

    /// Has the smaller patches that are tried from now on pass what the patch passes.
    pub(super) fn try_with_checks(&mut self) {
        let checks = self.tests.checks.iter().map(|chosen| chosen.check.command.clone());
        self.trials.stand_on(self.tests.command.clone(), checks.collect());
    }

    /// Waits for the start state's tests, or for the check of that name; tells how they went, the first time that it is known.
    pub(super) async fn baseline(&mut self, name: Option<&str>, patience: Duration) -> Vec<Event> {
        let is_news = self.start.wait(name, patience).await;
        let told = self.start.known(name).filter(|_| is_news).into_iter().flat_map(|baseline| &baseline.runs);
        let told = told.filter(|run| !run.is_own);
        let event = |ran: TestsRan| match name {
            None => Event::TestsRan(ran),
            Some(name) => Event::CheckRan(CheckRan { name: name.to_owned(), ran }),
        };
        told.map(|run| event(run.ran.clone())).collect()
    }
}
