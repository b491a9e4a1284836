//! Everything that a run needs to be told before it begins.

use std::path::PathBuf;

use super::inherited::Inherited;
use super::options::RunOptions;
use super::pending_changes::PendingChanges;
use super::resumed_run::ResumedRun;
use super::start_conditions::StartConditions;
use super::user_interface::Front;
use crate::journal::{Event, FileChange, TaskQuotation};
use crate::settings::Settings;
use crate::workspace::{ChangeSet, Repository};

/// What is to be done, where and how.
pub(crate) struct RunSpec<'a> {
    pub task: String,
    /// The texts that the task quotes, as they came.
    pub quoted: Vec<TaskQuotation>,
    pub repository: Repository,
    pub settings: Settings,
    pub options: RunOptions,
    pub front: &'a dyn Front,
    /// The run that goes on; `None` for a new one.
    pub past: Option<ResumedRun>,
    /// What a follow-up task goes on with, also one that is taken up again.
    pub inherited: Option<Inherited>,
    /// Changes that a new run starts with.
    pub carried: Option<PendingChanges>,
    /// Values that a replay or resume takes from the earlier run.
    pub conditions: StartConditions,
    /// The state folder in which a person's answers are kept.
    pub consents: PathBuf,
    /// False when nothing of the run can be used later, as in a demo.
    pub kept: bool,
}

impl<'a> RunSpec<'a> {
    /// A new run that starts from nothing but the tree.
    pub(crate) fn new(
        task: String,
        repository: Repository,
        settings: Settings,
        options: RunOptions,
        front: &'a dyn Front,
    ) -> Self {
        Self {
            consents: settings.state_dir.value.clone(),
            conditions: StartConditions::of(&settings, &options),
            task,
            quoted: Vec::new(),
            repository,
            settings,
            options,
            front,
            past: None,
            inherited: None,
            carried: None,
            kept: true,
        }
    }

    /// The changes that the view starts with.
    pub(crate) fn changes(&self) -> ChangeSet {
        self.way_back().then(&self.patch_so_far().0)
    }

    /// What leads from the tree to the state that the run starts from: nothing, unless the run is to begin without some changes.
    pub(crate) fn way_back(&self) -> ChangeSet {
        self.conditions.applied.reversed()
    }

    /// How far the patch has come before the run begins, or goes on.
    pub(crate) fn patch_so_far(&self) -> (ChangeSet, Vec<FileChange>) {
        match (&self.past, &self.carried) {
            (Some(past), _) => (past.changes.clone(), past.files().to_vec()),
            (None, Some(carried)) => (carried.changes.clone(), carried.files().to_vec()),
            (None, None) => (ChangeSet::new(Vec::new()), Vec::new()),
        }
    }

    /// Whether what the model runs before any edit says something of the start state.
    pub(crate) fn is_at_the_start(&self) -> bool {
        self.past.is_none() && self.carried.is_none() && self.conditions.counts_own_runs
    }

    /// What happened in this run before its conversation goes on.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        let past = self.past.iter().flat_map(ResumedRun::events);
        past.chain(self.carried.iter().flat_map(|carried| &carried.event))
    }

    /// Events of the runs that this one continues, oldest first.
    pub(crate) fn earlier_events(&self) -> impl Iterator<Item = &Event> {
        self.inherited.iter().flat_map(Inherited::events)
    }

    /// This task, and those before it whose changes may be in the patch.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &str> {
        let earlier = self.inherited.iter().flat_map(Inherited::begun).map(|started| &*started.task);
        earlier.chain([&*self.task])
    }
}
