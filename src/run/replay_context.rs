//! What a run is told that plays a recorded one again.

use std::io;
use std::sync::Arc;

use super::chosen_tests::ChosenTests;
use super::failure::Failure;
use super::finish;
use super::start::Run;
use crate::journal::{JournalError, Outcome, RunFolder, StopReason};
use crate::planner::Stop;
use crate::replay::{Player, Recording, Script};
use crate::settings::{Redactor, Settings};
use crate::workspace::{Blobs, ChangeSet, Repository};

/// A recorded run that is played again.
pub struct ReplayContext {
    /// The run.
    pub recording: Recording,
    /// What has to come.
    pub script: Arc<Script>,
    /// What the run had changed and the tree has by now; empty when the tree is as it was at the start.
    pub applied: ChangeSet,
    /// See [`Player::speed`].
    pub speed: Option<f64>,
}

impl ReplayContext {
    /// Its model.
    pub fn player(&self) -> Player {
        Player { script: Arc::clone(&self.script), speed: self.speed }
    }

    /// What leads from the tree back to the start.
    pub fn way_back(&self) -> ChangeSet {
        self.applied.reversed()
    }

    /// Puts the contents that the way back needs into the replay's folder.
    pub fn lay_out(&self, folder: &RunFolder) -> io::Result<()> {
        if self.applied.is_empty() { Ok(()) } else { self.recording.lay_out(&Blobs::at(&folder.blobs())) }
    }

    /// The tests of the recorded run: those that are found as they were then, with somebody's own settings or without; else,
    /// as they were named by a flag or by settings that aren't here, by the commands as they were typed.
    pub fn tests(&self, settings: &Settings, repository: &Repository, redactor: &Redactor) -> ChosenTests {
        let found = ChosenTests::choose(settings, repository);
        let Some(recorded) = self.script.tests() else { return found };
        let mut plain = settings.clone();
        plain.verify.value = true;
        plain.test.value = None;
        plain.checks.value.clear();
        if found.event(redactor) == *recorded {
            return found;
        }
        ChosenTests::choose(&plain, repository).recalled(recorded, repository, redactor)
    }
}

/// Ends a replay: nothing of it is left running, and nobody is told how its patch fares.
///
/// # Errors
/// What kept it from playing. What it differs in, the script knows.
pub async fn put_away(mut run: Run<'_>, ended: Result<Stop, Failure>) -> Result<Outcome, Failure> {
    finish::close(&mut run).await;
    run.open.people().clear();
    let differs = run.order.again.as_ref().is_some_and(|again| again.script.played().is_err());
    match ended {
        Ok(stop) if stop.reason == StopReason::Interrupted => Ok(Outcome::Interrupted),
        Err(failure) if !differs => Err(failure),
        _ => Ok(Outcome::Verified),
    }
}

/// A divergence before the loop began stops it there; the script knows which.
pub fn refused(folder: &RunFolder, what: &str) -> Failure {
    JournalError::refused(&folder.journal(), what).into()
}
