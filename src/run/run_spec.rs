//! Everything that a run needs to be told before it begins.

use std::path::PathBuf;
use std::sync::Arc;

use super::front::Front;
use super::inherited::Inherited;
use super::options::RunOptions;
use super::pending_changes::PendingChanges;
use super::replay_context::ReplayContext;
use super::resumed_run::ResumedRun;
use crate::journal::{Event, FileChange};
use crate::settings::Settings;
use crate::workspace::{ChangeSet, Repository};

/// What is to be done, where and how.
pub struct RunSpec<'a> {
    /// What to do.
    pub task: String,
    /// Where.
    pub repository: Repository,
    /// How.
    pub settings: Settings,
    /// What is asked of it beside that.
    pub options: RunOptions,
    /// For whom.
    pub front: &'a dyn Front,
    /// The run that goes on; `None` for a new one.
    pub past: Option<ResumedRun>,
    /// What a follow-up task goes on with, also one that is taken up again.
    pub inherited: Option<Inherited>,
    /// Changes that a new run starts with.
    pub carried: Option<PendingChanges>,
    /// The run that is played again, in a replay.
    pub again: Option<Arc<ReplayContext>>,
    /// The state folder in which a person's answers are kept.
    pub consents: PathBuf,
    /// False when nothing of the run can be used later, as in a demo.
    pub kept: bool,
}

impl<'a> RunSpec<'a> {
    /// A new run that starts from nothing but the tree.
    pub fn new(
        task: String,
        repository: Repository,
        settings: Settings,
        options: RunOptions,
        front: &'a dyn Front,
    ) -> Self {
        Self {
            consents: settings.state_dir.value.clone(),
            task,
            repository,
            settings,
            options,
            front,
            past: None,
            inherited: None,
            carried: None,
            again: None,
            kept: true,
        }
    }

    /// The changes that the view starts with.
    pub fn changes(&self) -> ChangeSet {
        let past = self.past.as_ref().map(|past| &past.changes);
        let changes = past.or(self.carried.as_ref().map(|carried| &carried.changes));
        changes.cloned().unwrap_or_else(|| self.way_back())
    }

    /// What leads from the tree to the state that the run starts from: nothing, but in some replays.
    pub fn way_back(&self) -> ChangeSet {
        self.again.as_ref().map_or_else(|| ChangeSet::new(Vec::new()), |again| again.way_back())
    }

    /// The same as files.
    pub fn changed_files(&self) -> Vec<FileChange> {
        let past = self.past.as_ref().map(ResumedRun::files);
        past.or(self.carried.as_ref().map(PendingChanges::files)).unwrap_or_default().to_vec()
    }

    /// Whether the view is what the tree is, and no more.
    pub fn is_at_the_start(&self) -> bool {
        self.past.is_none() && self.carried.is_none() && self.again.is_none()
    }

    /// What happened in this run before its conversation goes on.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let past = self.past.iter().flat_map(ResumedRun::events);
        past.chain(self.carried.iter().flat_map(|carried| &carried.event))
    }

    /// What happened in the runs before.
    pub fn earlier_events(&self) -> impl Iterator<Item = &Event> {
        self.inherited.iter().flat_map(Inherited::events)
    }

    /// This task, and those before it whose changes may be in the patch.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        let earlier = self.inherited.iter().flat_map(Inherited::begun).map(|started| &*started.task);
        earlier.chain([&*self.task])
    }
}
