//! Whether the tests can run here at all: told before the first request is paid for, and else as soon as it is known.

use std::time::Duration;

use tokio::sync::watch;

use super::start::Run;
use super::start_state::StartState;
use crate::cli::failure::Failure;
use crate::evidence::{self, Doubt};
use crate::journal::{FailureCause, Matrix, Outcome, TestsRan};
use crate::planner::Obstacle;
use crate::tools::TestRun;

/// What the model reads besides of a failure that no edit mends.
const CAUSE_TEXT: &str = include_str!("../../../prompts/failure_cause.md");
/// How long the first request waits where something speaks against the tests. What can't start ends sooner.
const PATIENCE: Duration = Duration::from_secs(10);
/// What else a person can do.
const ALL_THE_SAME: &str = "--no-verify does without tests, --allow-failing-setup goes on all the same";

impl Run<'_> {
    /// Runs the tests on the start state first where something on the disk speaks against them, and refuses the task when they
    /// can't run.
    pub async fn check_setup(&mut self, mut cancelled: watch::Receiver<bool>) -> Result<(), Failure> {
        if self.order.flags.allow_failing_setup || self.order.again.is_some() {
            return Ok(());
        }
        let Some(bench) = &mut self.bench else { return Ok(()) };
        let (Some(command), root) = (bench.tests.command.clone(), bench.repository.root().to_owned()) else {
            return Ok(());
        };
        let doubt =
            tokio::task::spawn_blocking(move || evidence::doubt(&command, &root)).await.map_err(anyhow::Error::from)?;
        let Some(Doubt { why, missing }) = doubt else { return Ok(()) };
        if !bench.start.is_measured() {
            return missing.map_or(Ok(()), |_| Err(refused(&why, "install it, or name another command with --test")));
        }
        bench.start.begin_now();
        let told = tokio::select! {
            told = bench.baseline(None, PATIENCE) => told,
            _ = cancelled.wait_for(|cancelled| *cancelled) => Vec::new(),
        };
        let blocks = bench.start.known(None).and_then(|baseline| blocking(&baseline.runs.last()?.ran)).cloned();
        let log = bench.start.known(None).and_then(|baseline| Some(baseline.runs.last()?.ran.log.clone()));
        if !told.is_empty() {
            self.open.journal.note(told)?;
        }
        let Some(cause) = blocks else { return Ok(()) };
        let failure = refused(&cause.what, &cause.hint);
        let logs = self.open.folder.logs();
        Err(match log.filter(|log| !log.is_empty()) {
            Some(log) => failure.fact("log", logs.join(log).display().to_string()),
            None => failure,
        })
    }
}

/// The cause that keeps tests from telling anything, if there is one.
fn blocking(ran: &TestsRan) -> Option<&FailureCause> {
    ran.result.why.as_ref()?.cause.as_ref().filter(|cause| cause.blocks)
}

/// The same of the start state, once it is known.
pub fn obstacle(start: &StartState) -> Option<Obstacle> {
    let cause = blocking(&start.known(None)?.runs.last()?.ran)?;
    Some(Obstacle { what: cause.what.clone(), hint: format!("{}; {ALL_THE_SAME}", cause.hint) })
}

/// Why the tests fail as they failed on the start state, where the words for it are the same and nothing else became worse.
pub fn excuse(start: &StartState, runs: &[TestRun], matrix: Option<&Matrix>) -> Option<FailureCause> {
    let cause = runs.last()?.why.as_ref()?.cause.as_ref()?;
    let before = &start.known(None)?.runs.last()?.ran.result;
    let is_worse = matrix.is_some_and(|matrix| !matrix.broken.is_empty() || !matrix.new_failing.is_empty());
    let is_same = before.why.as_ref()?.cause.as_ref().is_some_and(|known| known.what == cause.what);
    (is_same && !is_worse).then(|| cause.clone())
}

/// What the model is told besides of a failure that no edit may mend; nothing of others.
pub fn told(run: &TestRun) -> String {
    let cause = run.why.as_ref().and_then(|why| why.cause.as_ref());
    cause.map_or_else(String::new, |cause| format!("\n{}", CAUSE_TEXT.trim().replace("{what}", &cause.what)))
}

fn refused(what: &str, hint: &str) -> Failure {
    Failure::new(Outcome::Config, format!("the tests can't run here: {what}"), format!("{hint}; {ALL_THE_SAME}"))
}
