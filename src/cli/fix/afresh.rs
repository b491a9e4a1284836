//! The tests once more, in a view that holds the user's tree and the patch, and nothing else.
//!
//! The run's own view also holds what its commands left in folders that git ignores: builds, caches, and perhaps a test runner that
//! was changed in place. None of that is in the patch, so that no result may hang on it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::test_runs;
use crate::evidence::Trials;
use crate::journal::RunFolder;
use crate::settings::Redactor;
use crate::tools::TestRun;
use crate::workspace::ChangeSet;

/// The name of the trial, and of the folder of its logs.
const NAME: &str = "afresh";
/// Without the run's own builds the tests take longer than they did in it. The run's own limit may be shorter.
const PATIENCE: Duration = Duration::from_mins(10);

/// What it takes to run the tests afresh.
pub struct Afresh {
    /// How to run tests beside the run.
    pub trials: Trials,
    /// Where the run is kept.
    pub folder: RunFolder,
    /// Takes known secrets out of what tests print.
    pub redactor: Redactor,
}

impl Afresh {
    /// Runs the tests on the patch as it was last written; `None` when that can't be done here, or takes too long.
    pub async fn run(&self) -> Option<TestRun> {
        let changes = ChangeSet::load(&self.folder.changes()).ok()?;
        let (off, called_off) = watch::channel(false);
        let mut held = Box::pin(self.trials.hold(NAME, &changes, 1, called_off));
        let Ok(runs) = timeout(PATIENCE, &mut held).await else {
            off.send_replace(true);
            // It was called off, so that it has nothing to tell.
            let _ = held.await;
            return None;
        };
        let mut run = runs.ok()?.into_iter().next()?;
        test_runs::finish(&mut run, &self.folder.logs().join(NAME), &self.redactor).ok()?;
        run.log = format!("{NAME}/{}", run.log);
        Some(run)
    }
}
