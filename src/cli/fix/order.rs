//! Everything that a run needs to be told before it begins.

use std::sync::Arc;

use super::again::Again;
use super::past::Past;
use crate::cli::arguments::{Global, RunFlags};
use crate::settings::Settings;
use crate::workspace::{ChangeSet, Repository};

/// What is to be done, where and how.
pub struct Order<'a> {
    /// What to do.
    pub task: String,
    /// Where.
    pub repository: Repository,
    /// How.
    pub settings: Settings,
    /// Flags of every command.
    pub global: &'a Global,
    /// Flags of this one.
    pub flags: &'a RunFlags,
    /// The run that goes on; `None` for a new one.
    pub past: Option<Past>,
    /// The run that is played again, in a replay.
    pub again: Option<Arc<Again>>,
    /// False when nothing of the run can be used later, as in a demo.
    pub kept: bool,
}

impl Order<'_> {
    /// What leads from the tree to the state that the run starts from: nothing, but in some replays.
    pub fn way_back(&self) -> ChangeSet {
        self.again.as_ref().map_or_else(|| ChangeSet::new(Vec::new()), |again| again.way_back())
    }

    /// What the view differs by from the tree when it is made.
    pub fn changes(&self) -> ChangeSet {
        self.past.as_ref().map_or_else(|| self.way_back(), |past| past.changes.clone())
    }
}
