//! What all trials of a run have in common.

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

/// What all trials of a run have in common.
#[derive(Clone)]
pub struct Trials {
    /// Whose start state it is.
    pub repository: Repository,
    /// The run's own plan; its view, scratch folder and logs are replaced by each trial's own.
    pub plan: WorkerPlan,
    /// Where they are held.
    pub folders: TrialFolders,
    /// Ignored folders to make visible in a copy.
    pub dependencies: Vec<String>,
    /// What leads from the user's tree to the start state: nothing, but in a replay whose patch stands in the tree already.
    pub way_back: ChangeSet,
    /// What is run besides the tests, in this order.
    pub checks: Vec<TestCommand>,
    /// What of the files that commands write is part of a patch; `None`: all of them.
    pub writes: Option<Writes>,
    /// Whether views are copies although the plan names an overlay.
    pub copies: Copies,
    /// What had to be killed at the ends of trials, all together.
    pub residue: Arc<Mutex<Residue>>,
    /// Takes known secrets out of what tests print.
    pub redactor: Redactor,
}

/// Folders of trials. Their logs are below those of the plan.
#[derive(Clone, Debug)]
pub struct TrialFolders {
    /// Each trial is held in a folder in this one.
    pub trials: PathBuf,
    /// Where the contents of changes are kept.
    pub blobs: PathBuf,
}

impl Trials {
    /// Trials with `plan` on the tree of `repository`: no checks, and no file that commands write is part of a patch.
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

    /// Reads what `run`, of the trial called `name`, left: single results, without secrets. Its log is named from the run's logs on.
    pub(super) fn read(&self, run: &mut TestRun, name: &str) -> io::Result<()> {
        read_results(run, &self.plan.logs.join(name), &self.redactor, &self.plan.hidden)?;
        let log = format!("{name}/{}", run.log);
        // Its worker saw nothing but its own folder.
        run.excerpt = run.excerpt.replace(&format!("@logs/{}", run.log), &format!("@logs/{log}"));
        run.log = log;
        Ok(())
    }
}
