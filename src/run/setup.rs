//! Whether the tests can run here at all: told before the first request is paid for, and else as soon as it is known.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::Failure;
use super::start::Run;
use super::start_state::StartState;
use crate::journal::{CauseKind, FailureCause, Matrix, Outcome, TestsRan, WhyFailed};
use crate::planner::Obstacle;
use crate::testing::{self, Doubt};
use crate::tools::TestRun;

/// What the model reads besides of a failure that no edit mends.
const CAUSE_TEXT: &str = include_str!("../../prompts/failure_cause.md");
/// How long the first request waits where something speaks against the tests. What can't start ends sooner; pip and Maven take some
/// time to find that there is no network.
const PATIENCE: Duration = Duration::from_secs(30);
/// What hints say of the tests.
const ANOTHER_COMMAND: &str = "name another command with --test";
/// What else a person can do.
const ALL_THE_SAME: &str = "--no-verify does without tests, --allow-failing-setup goes on all the same";

impl Run<'_> {
    /// Runs the tests on the start state first where something on the disk speaks against them, and refuses the task when they
    /// can't run.
    pub async fn check_setup(&mut self, mut cancelled: watch::Receiver<bool>) -> Result<(), Failure> {
        if self.order.options.allow_failing_setup || self.order.again.is_some() {
            return Ok(());
        }
        let doubted = self.doubted().await?;
        let deadline = self.deadline();
        let Some(environment) = &mut self.environment else { return Ok(()) };
        for (name, Doubt { why, missing }) in &doubted {
            if missing.is_some() && !environment.start.is_measured(name.as_deref()) {
                return Err(refused(name.as_deref(), why, "install it, or name another command with --test"));
            }
        }
        doubted.iter().filter_map(|(name, _)| name.as_deref()).for_each(|name| environment.start.hurry(name));
        if !doubted.is_empty() {
            environment.start.begin_now();
        }
        let until = deadline.min(Instant::now() + PATIENCE);
        for (name, _) in &doubted {
            let name = name.as_deref();
            let told = tokio::select! {
                told = environment.baseline(name, until.saturating_duration_since(Instant::now())) => told,
                _ = cancelled.wait_for(|cancelled| *cancelled) => Vec::new(),
            };
            if !told.is_empty() {
                self.open.journal.note(told)?;
            }
            if let Some(ran) = environment.start.known(name).and_then(|baseline| Some(&baseline.runs.last()?.ran))
                && let Some(cause) = blocking(ran)
            {
                let failure = refused(name, &cause.what, &cause.hint);
                let log = (!ran.log.is_empty()).then(|| self.open.folder.logs().join(&ran.log).display().to_string());
                return Err(match log {
                    Some(log) => failure.fact("log", log),
                    None => failure,
                });
            }
        }
        Ok(())
    }

    /// What the patch has to pass and may not be able to start: the tests, which have no name, and checks.
    async fn doubted(&self) -> Result<Vec<(Option<String>, Doubt)>, Failure> {
        let Some(environment) = &self.environment else { return Ok(Vec::new()) };
        let required = environment.tests.checks.iter().map(|chosen| &chosen.check).filter(|check| check.required);
        let checks = required.map(|check| (Some(check.name.clone()), check.command.clone()));
        let commands: Vec<_> =
            environment.tests.command.iter().map(|command| (None, command.clone())).chain(checks).collect();
        let root = environment.repository.root().to_owned();
        let look = move || {
            let doubts = commands.into_iter().map(|(name, command)| (name, testing::doubt(&command, &root)));
            doubts.filter_map(|(name, doubt)| Some((name, doubt?))).collect()
        };
        Ok(tokio::task::spawn_blocking(look).await.map_err(anyhow::Error::from)?)
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

/// Why the tests fail as they failed on the start state: nothing can run, or each test that fails tells by its own output that the
/// sandbox keeps something from it, and told so before. All other failures go back to the model.
pub fn excuse(
    start: &StartState,
    runs: &[TestRun],
    matrix: Option<&Matrix>,
    hidden: testing::Hidden<'_>,
) -> Option<FailureCause> {
    let run = runs.last()?;
    let before = start.known(None)?;
    if let (Some(cause), Some(known)) = (run.why.as_ref()?.cause.as_ref(), blocking(&before.runs.last()?.ran))
        && cause.blocks
        && cause.what == known.what
    {
        return Some(cause.clone());
    }
    if matrix.is_some_and(|matrix| !matrix.broken.is_empty() || !matrix.new_failing.is_empty()) {
        return None;
    }
    let Some(after) = run.results.as_ref().filter(|results| !results.tests.is_empty()) else {
        return hidden_at_the_end(&before.runs.last()?.ran, run);
    };
    testing::excused(&before.results(), after, &testing::ended(run, "", hidden))
}

/// Where nobody tells of single tests, the last line is why it ended: that the sandbox hides what that names was looked up on the
/// machine, and isn't only said.
fn hidden_at_the_end(before: &TestsRan, after: &TestRun) -> Option<FailureCause> {
    let of = |why: &WhyFailed| {
        let cause = why
            .cause
            .clone()
            .filter(|cause| cause.kind == CauseKind::Sandbox && cause.what.starts_with(testing::HIDES))?;
        Some((cause, why.lines.last()?.clone()))
    };
    let (known, now) = (of(before.result.why.as_ref()?)?, of(after.why.as_ref()?)?);
    (known == now && testing::tells_of_missing(&now.1)).then_some(now.0)
}

/// What the model is told besides of a failure that no edit may mend; nothing of others.
pub fn told(run: &TestRun) -> String {
    let cause = run.why.as_ref().and_then(|why| why.cause.as_ref());
    cause.map_or_else(String::new, |cause| format!("\n{}", CAUSE_TEXT.trim().replace("{what}", &cause.what)))
}

/// Refuses the task because the tests, or the check of that name, can't run.
fn refused(check: Option<&str>, what: &str, hint: &str) -> Failure {
    let (who, hint) = match check {
        None => ("the tests".to_owned(), hint.to_owned()),
        Some(name) => {
            (format!("the check {name}"), hint.replace(ANOTHER_COMMAND, "change its command in the settings"))
        }
    };
    Failure::new(Outcome::Config, format!("{who} can't run here: {what}"), format!("{hint}; {ALL_THE_SAME}"))
}
