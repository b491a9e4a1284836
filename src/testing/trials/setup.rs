//! Settings that all trials of a run share.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::journal::Residue;
use crate::sandbox::WorkerPlan;
use crate::settings::{Redactor, Settings, TestCommand, Writes};
use crate::testing::copies::Copies;
use crate::testing::read_results::read_results;
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, Repository};

/// Settings that all trials of a run share.
#[derive(Clone)]
pub struct Trials {
    /// Repository whose tree the trials start from.
    pub repository: Repository,
    /// The run's worker plan; each trial replaces its view, scratch folder and logs.
    pub plan: WorkerPlan,
    /// Folders that trials use.
    pub folders: TrialFolders,
    /// Ignored folders that a copy makes visible.
    pub dependencies: Vec<String>,
    /// Changes from the user's tree to the start state: empty, except in a replay whose patch is already applied.
    pub way_back: ChangeSet,
    /// Checks that run besides the tests, in this order.
    pub checks: Vec<TestCommand>,
    /// Which files written by commands belong to a patch; `None` means all.
    pub writes: Option<Writes>,
    /// Whether views are copies although the plan has an overlay.
    pub copies: Copies,
    /// Processes that had to be killed at the ends of all trials.
    pub residue: Arc<Mutex<Residue>>,
    /// Removes known secrets from test output.
    pub redactor: Redactor,
}

/// Folders of trials. Their logs are below those of the plan.
#[derive(Clone, Debug)]
pub struct TrialFolders {
    /// Parent of the trials' folders.
    pub trials: PathBuf,
    /// Folder that holds the contents of changes.
    pub blobs: PathBuf,
}

impl Trials {
    /// Creates trials with `plan` on the tree of `repository`, without checks, and with no files of commands in a
    /// patch.
    #[must_use]
    pub fn new(
        repository: &Repository,
        settings: &Settings,
        plan: WorkerPlan,
        folders: TrialFolders,
        redactor: &Redactor,
    ) -> Self {
        Self {
            copies: Copies::of(&settings.state_dir.value, repository.root(), plan.tests.as_ref()),
            repository: repository.clone(),
            plan,
            folders,
            dependencies: settings.dependencies.value.clone(),
            way_back: ChangeSet::new(Vec::new()),
            checks: Vec::new(),
            writes: Some(Writes::of(&[])),
            residue: Arc::default(),
            redactor: redactor.clone(),
        }
    }

    /// Reads the results of `run` in the trial `name`, with secrets removed, and makes its log's path relative to the
    /// run's logs.
    pub(super) fn read(&self, run: &mut TestRun, name: &str) -> io::Result<()> {
        read_results(run, &self.plan.logs.join(name), &self.redactor, &self.plan.hidden)?;
        let log = format!("{name}/{}", run.log);
        // The worker knew only its own log folder.
        run.excerpt = run.excerpt.replace(&format!("@logs/{}", run.log), &format!("@logs/{log}"));
        run.log = log;
        Ok(())
    }
}
