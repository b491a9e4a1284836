//! What decides runs on the patch alone: what commands wrote besides is no part of it.

use tokio::time::Instant;

use super::command_runs::AFRESH_PATIENCE;
use super::environment::RunEnvironment;
use crate::journal::{CauseKind, FailureCause, GeneratedFile};
use crate::planner::EnvironmentError;
use crate::settings::TestCommand;
use crate::testing::failed_to_rename;
use crate::text::counted;
use crate::tools::TestRun;

/// Maximum number of files named in a message.
const NAMED: usize = 5;

impl RunEnvironment {
    /// Runs `command` on the patch alone, and once more in a copy where an overlay let it fail.
    pub(super) async fn run_on_patch(&mut self, command: &TestCommand) -> Result<TestRun, EnvironmentError> {
        let run = self.run_once_on_patch(command).await?;
        if !self.begins_to_copy(&run) {
            return Ok(run);
        }
        let told = self.go_on_in_copy().await?;
        self.untold.extend(told);
        let run = self.run_once_on_patch(command).await?;
        if failed_to_rename(&run, &self.folder.logs()) {
            self.trials.trials().copies.forget();
        }
        Ok(run)
    }

    /// The run's own view may hold more by now: what commands wrote before.
    async fn run_once_on_patch(&mut self, command: &TestCommand) -> Result<TestRun, EnvironmentError> {
        self.not_alone = None;
        if self.beside.is_empty() {
            return self.run(command).await;
        }
        self.alone += 1;
        let (name, until) = (format!("alone-{}", self.alone), Instant::now() + AFRESH_PATIENCE);
        match self.trials.run(&name, command, self.written.changes.clone(), until).await {
            Ok(run) => self.with_what_it_needs(command, run).await,
            Err(why) => {
                let count = counted(self.beside.len(), "file");
                self.not_alone = Some(format!("{count} that commands wrote were there, because {why}"));
                self.run(command).await
            }
        }
    }

    /// `alone`, and where it failed, whether it passes among the files that commands wrote. That proves nothing of the patch, and
    /// says what it needs.
    pub(super) async fn with_what_it_needs(
        &self,
        command: &TestCommand,
        mut alone: TestRun,
    ) -> Result<TestRun, EnvironmentError> {
        let is_known = alone.why.as_ref().is_some_and(|why| why.cause.is_some());
        if alone.passed() || alone.stopped.is_some() || is_known || !self.run(command).await?.passed() {
            return Ok(alone);
        }
        let files = names(&self.beside);
        alone.why.get_or_insert_default().cause = Some(FailureCause {
            kind: CauseKind::Generated,
            what: format!("tests pass only with generated files: {files}"),
            hint: "take along what the patch needs, with --include-generated GLOB or [test] writes".to_owned(),
            blocks: false,
        });
        Ok(alone)
    }
}

fn names(files: &[GeneratedFile]) -> String {
    let more = files.len().saturating_sub(NAMED);
    let named = files.iter().take(NAMED).map(|file| file.path.clone());
    named.chain((more > 0).then(|| format!("{more} more"))).collect::<Vec<_>>().join(", ")
}
