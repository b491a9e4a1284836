//! Whether the tests can run here at all: told before the first request is paid for, and else as soon as it is known.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::current_run::Run;
use super::failure::Failure;
use super::failure_causes::{ALL_THE_SAME, blocking};
use crate::journal::Outcome;
use crate::testing::{self, Doubt};

/// How long the first request waits where something speaks against the tests. What can't start ends sooner; pip and Maven take some
/// time to find that there is no network.
const PATIENCE: Duration = Duration::from_secs(30);
const ANOTHER_COMMAND: &str = "name another command with --test";

impl Run<'_> {
    /// Runs the tests on the start state first where something on the disk speaks against them, and refuses the task when they
    /// can't run.
    pub(super) async fn check_setup(&mut self, mut cancelled: watch::Receiver<bool>) -> Result<(), Failure> {
        if self.spec.options.allow_failing_setup {
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
