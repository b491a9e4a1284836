//! `--minimize`: drops of a verified patch the hunks that no test needs.
//!
//! Each set of hunks is tried on the start state in a view of its own. The smaller patch is that of such a view, whose tests
//! ran once more; until it is written the whole patch stands, whatever happens. Tests that the patch brings stay, and so do
//! both halves of a rename.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;
use tokio::time::Instant;

use super::current_run::Run;
use super::environment::RunEnvironment;
use super::failure::Failure;
use super::minimized_patch::MinimizedPatch;
use crate::journal::{
    ChangeKind, Event, HunksTried, Journal, JournalError, Minimized, Outcome, RelPath, Reproduced, StopReason, Stopped,
    TestPurpose, TestsRan,
};
use crate::planner::{Stop, tests_ran};
use crate::report::{self, Latest};
use crate::testing::{TrialResult, is_same_run, needed, test_parts};
use crate::workspace::{Blobs, ChangeSet, Parts};

const INTERRUPTED: &str = "interrupted while hunks were tried; the whole patch stands";

impl Run<'_> {
    /// Makes the patch of a run that ended so smaller, if that is wanted and it is verified.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub(super) async fn minimize(&mut self, stop: Stop, mut cancelled: watch::Receiver<bool>) -> Result<Stop, Failure> {
        if !self.spec.options.minimize || !self.is_verified(&stop) {
            return Ok(stop);
        }
        let deadline = self.deadline();
        let Some(environment) = self.environment.as_mut() else { return Ok(stop) };
        let ended = tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => None,
            ended = minimize(environment, &mut *self.open.journal, deadline) => Some(ended),
        };
        if let Some(ended) = ended {
            ended?;
            return Ok(stop);
        }
        let stop = Stop { reason: StopReason::Interrupted, detail: INTERRUPTED.to_owned(), ..stop };
        let stopped = Stopped { reason: stop.reason, detail: stop.detail.clone() };
        self.open.journal.conclude(vec![Event::Stopped(stopped)])?;
        Ok(stop)
    }

    fn is_verified(&self, stop: &Stop) -> bool {
        let records = self.open.records();
        let decision = report::decide(stop.reason, &stop.detail, stop.model_error.as_ref(), Latest::of(&records));
        decision.outcome == Outcome::Verified
    }
}

/// Looks for a smaller patch, and records the result in the journal.
async fn minimize(
    environment: &mut RunEnvironment,
    journal: &mut dyn Journal,
    deadline: Instant,
) -> Result<(), JournalError> {
    let events = match HunkSearch::begin(environment, journal, deadline) {
        Err(why) => vec![Event::Minimized(Minimized { why: Some(why), ..Minimized::default() })],
        Ok(mut search) => {
            let found = search.run().await;
            if let Some(error) = search.unnoted {
                return Err(error);
            }
            search.conclude(&found).await
        }
    };
    journal.append(events)
}

/// The search for the hunks that tests need.
struct HunkSearch<'a> {
    environment: &'a mut RunEnvironment,
    journal: &'a mut dyn Journal,
    parts: Parts,
    stay: Vec<usize>,
    /// Numbers of the parts that may be dropped.
    open: Vec<usize>,
    /// Time limit of all tries.
    until: Instant,
    /// Time limit of the run.
    deadline: Instant,
    known: BTreeMap<Vec<usize>, bool>,
    /// Why the search ended early.
    cut: Option<String>,
    unnoted: Option<JournalError>,
}

impl<'a> HunkSearch<'a> {
    fn begin(
        environment: &'a mut RunEnvironment,
        journal: &'a mut dyn Journal,
        deadline: Instant,
    ) -> Result<Self, String> {
        if environment.judged.matrix.is_none() {
            return Err("single tests could not be compared with the start state".to_owned());
        }
        let parts = Parts::of(&environment.written.changes, &Blobs::at(&environment.folder.blobs()));
        let parts = parts.map_err(|error| format!("the patch can't be taken apart: {error}"))?;
        environment.try_with_checks();
        let tests: BTreeSet<usize> = test_parts(&parts).into_iter().collect();
        let renames = renames(environment);
        let numbered = parts.each().map(|part| renames.contains(part.path)).enumerate();
        let (stay, open): (Vec<_>, Vec<_>) = numbered.partition(|(part, renamed)| *renamed || tests.contains(part));
        let numbers = |parts: Vec<(usize, bool)>| parts.into_iter().map(|(part, _)| part).collect::<Vec<_>>();
        let (stay, open) = (numbers(stay), numbers(open));
        // The other half is for the proof, and for a run that may go on.
        let until = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        let (known, cut, unnoted) = (BTreeMap::new(), None, None);
        Ok(Self { environment, journal, parts, stay, open, until, deadline, known, cut, unnoted })
    }

    /// The places in `open` of the hunks that are needed, as far as there was time to find out.
    async fn run(&mut self) -> Vec<usize> {
        let all: Vec<usize> = (0..self.open.len()).collect();
        let is_shown = self.environment.judged.reproduction.as_ref().is_some_and(|told| told.state == Reproduced::Yes);
        if !is_shown && self.suffices(&[]).await == Some(true) {
            self.cut = Some("the tests pass without any of it, so that they can't tell what is needed".to_owned());
        }
        if self.cut.is_some() || self.unnoted.is_some() {
            return all;
        }
        needed(all.len(), async |set: &[usize]| self.suffices(set).await).await
    }

    /// Whether every test goes as with the whole patch when it has only `set` of the open parts.
    async fn suffices(&mut self, set: &[usize]) -> Option<bool> {
        if let Some(known) = self.known.get(set) {
            return Some(*known);
        }
        match self.try_only(set).await {
            Ok(same) => {
                self.known.insert(set.to_vec(), same);
                Some(same)
            }
            Err(why) => {
                self.cut = Some(why);
                None
            }
        }
    }

    async fn try_only(&mut self, set: &[usize]) -> Result<bool, String> {
        let name = format!("hunks-{}", self.known.len() + 1);
        let changes = self.only(set)?;
        let tree = self.environment.start.trees_with(changes.clone()).await.map(|trees| trees.patched);
        let TrialResult { tests, checks } = self.environment.trials.hold(&name, changes, 1, self.until).await?;
        let run = tests.into_iter().next().ok_or("the tests did not run")?;
        let judged = &self.environment.judged;
        let same = is_same_run(&judged.runs, &run, &self.flaky()) && judged.are_same_checks(&checks);
        let (kept, of) = ((self.stay.len() + set.len()) as u64, self.parts.len() as u64);
        let ran = TestsRan { tree, ..tests_ran(run, TestPurpose::Trial, None) };
        let events = vec![Event::TestsRan(ran), Event::HunksTried(HunksTried { kept, of, same })];
        self.journal.append(events).map_err(|error| {
            let why = error.to_string();
            self.unnoted = Some(error);
            why
        })?;
        Ok(same)
    }

    fn only(&self, set: &[usize]) -> Result<ChangeSet, String> {
        let mut kept: Vec<usize> = set.iter().map(|place| self.open[*place]).chain(self.stay.iter().copied()).collect();
        kept.sort_unstable();
        self.parts.only(&kept).map_err(|error| format!("a part of the patch can't be kept: {error}"))
    }

    fn flaky(&self) -> Vec<String> {
        self.environment.judged.matrix.as_ref().map(|matrix| matrix.flaky.clone()).unwrap_or_default()
    }

    /// Makes what is left the run's patch, if it is less and holds. Returns what there is to note.
    async fn conclude(self, found: &[usize]) -> Vec<Event> {
        let before = self.parts.len() as u64;
        let tried = self.known.len() as u64;
        let mut minimized =
            Minimized { hunks_before: before, hunks_after: before, tried, complete: self.cut.is_none(), why: None };
        if found.len() == self.open.len() {
            minimized.why = self.cut;
            return vec![Event::Minimized(minimized)];
        }
        let proven = match self.only(found) {
            Ok(changes) => MinimizedPatch::prove(self.environment, changes, self.deadline).await,
            Err(why) => Err(why),
        };
        // From here on nothing waits: an interrupt comes before all of it or after.
        match proven.and_then(|smaller| smaller.write(self.environment).map(|()| smaller)) {
            Ok(smaller) => {
                minimized.hunks_after = smaller.hunks();
                let mut events = smaller.into_events(self.environment).await;
                events.push(Event::Minimized(minimized));
                events
            }
            Err(why) => {
                minimized.why = Some(format!("the smaller patch does not hold: {why}"));
                vec![Event::Minimized(minimized)]
            }
        }
    }
}

/// Both names of each file that was moved.
fn renames(environment: &RunEnvironment) -> BTreeSet<RelPath> {
    let names = |path: &RelPath, kind: &ChangeKind| match kind {
        ChangeKind::Renamed { from } => vec![path.clone(), from.clone()],
        _ => Vec::new(),
    };
    environment.written.files.iter().flat_map(|file| names(&file.path, &file.kind)).collect()
}
