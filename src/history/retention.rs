//! Decides which runs are kept, by number, age and size, and removes the others.
//!
//! Some runs stay whatever the limits: those that a process works on, or whose patch is just being written to a tree;
//! the latest of each repository, and its latest whose patch is not applied; and those whose patch is still in the tree
//! as it was applied, because undo needs what it replaced. A run is removed as a whole or not at all: its folder is
//! renamed first, under the lock of its journal.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::beginning;
use super::known_runs::{KnownRun, KnownRuns};
use crate::journal::{Digest, FindError, RunFolder, RunId, is_abandoned, open_own};
use crate::workspace::{applied_changes, remove_tree, remove_tree_soon, still_applies};

/// Prefix of a folder that is being removed; no run id begins like this.
const GOING: &str = ".going-";
/// Most unknown runs examined in a pass with a time limit: about half of its time.
pub const MOST_LOOKS: usize = 500;

/// Limits on what is kept; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Number of runs.
    pub runs: Option<u32>,
    /// Time since a run ended.
    pub age: Option<Duration>,
    /// Total bytes on the disk, counted from the newest run.
    pub bytes: Option<u64>,
}

/// Why a run is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It exceeds the number of runs.
    Count,
    /// It is too old.
    Age,
    /// Newer runs use up the bytes.
    Bytes,
}

/// A run that is removed, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Going {
    /// Id of the run.
    pub run: RunId,
    /// Its repository, if the journal can be read.
    pub repository: Option<String>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Why it is removed.
    pub reason: Reason,
}

/// The runs below a state folder, newest first, with their size and age.
pub struct Retention {
    state: PathBuf,
    runs: Vec<RetainedRun>,
    spared: HashSet<RunId>,
    /// Time limit of the pass; `None` for no limit.
    until: Option<Instant>,
    known: KnownRuns,
    looked: usize,
}

struct RetainedRun {
    run: RunFolder,
    known: KnownRun,
}

impl Retention {
    /// Examines the runs below `state`. Runs in `spared` stay, and so do those not examined by `until`. With such a
    /// time limit, a pass uses what earlier passes found out and examines at most [`MOST_LOOKS`] further runs.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn of(state: &Path, spared: HashSet<RunId>, until: Option<Instant>) -> Result<Self, FindError> {
        let known = if until.is_some() { KnownRuns::load(state) } else { KnownRuns::default() };
        let mut retention = Self { state: state.to_owned(), runs: Vec::new(), spared, until, known, looked: 0 };
        let names = RunFolder::named(state)?;
        let is_there: HashSet<&str> = names.iter().map(|run| run.id().as_str()).collect();
        retention.known.runs.retain(|id, _| is_there.contains(id.as_str()));
        for run in names {
            let known = retention.known.runs.get(run.id().as_str()).cloned();
            if let Some(known) = known.or_else(|| retention.look(&run)) {
                retention.runs.push(RetainedRun { run, known });
            }
        }
        retention.runs.sort_by(|one, other| other.place().cmp(&one.place()));
        Ok(retention)
    }

    /// Number of runs that were examined in this pass.
    #[must_use]
    pub const fn looked(&self) -> usize {
        self.looked
    }

    /// Examines a run, unless the pass is out of time. A folder without a journal never became a run.
    fn look(&mut self, run: &RunFolder) -> Option<KnownRun> {
        if self.is_late() || self.until.is_some() && self.looked == MOST_LOOKS {
            return None;
        }
        self.looked += 1;
        let known = KnownRun::of(run)?;
        self.known.runs.insert(run.id().to_string(), known.clone());
        Some(known)
    }

    /// Saves what is known for the next pass.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn remember(&mut self) -> io::Result<()> {
        self.known.save(&self.state)
    }

    /// The runs that exceed the limits of `keep`, oldest first.
    #[must_use]
    pub fn going(&mut self, keep: RetentionLimits, now: SystemTime) -> Vec<Going> {
        // Half of the time is left for removing.
        let until = self.until.map(|until| Instant::now() + until.saturating_duration_since(Instant::now()) / 2);
        let is_late = || until.is_some_and(|until| Instant::now() > until);
        let mut latest = Newest::of(self, |_| true);
        let mut waiting = Newest::of(self, is_waiting);
        let (mut going, mut next, mut moved) = (Vec::new(), None, Vec::new());
        // Newest first, because for those it is quickly known that newer runs exist. The oldest may be the only run of
        // its repository, and must not use up the time of every pass.
        for (place, reason) in self.in_turn(self.beyond(keep, now)) {
            let RetainedRun { run, known } = &self.runs[place];
            if is_late() {
                next = Some(run.id().clone());
                break;
            }
            // What earlier passes found out may be outdated: the run may have been resumed since.
            if self.until.is_some() && KnownRun::changed_ms(run) != Some(known.changed_ms) {
                moved.push(run.id().to_string());
                continue;
            }
            // A run that can't be read may be the only trace of something: it stays, and `kcode runs` names it.
            let Ok(begun) = beginning(run) else { continue };
            let repository = begun.map(|(_, started)| started.repository);
            let is_needed = |root: &String| {
                let own = known.repository.as_deref();
                latest.is_at(place, own)
                    || (is_waiting(run) && waiting.is_at(place, own))
                    || can_be_undone(run, Path::new(root))
            };
            let stays = self.spared.contains(run.id()) || !is_abandoned(&run.journal());
            if !stays && !repository.as_ref().is_some_and(is_needed) {
                going.push(Going { run: run.id().clone(), repository, bytes: size(run.path()), reason });
            }
        }
        self.known.next = next;
        for id in moved {
            self.known.runs.remove(&id);
        }
        going.reverse();
        going
    }

    /// Rotates `beyond` so that it starts where the last pass ended.
    fn in_turn(&self, mut beyond: Vec<(usize, Reason)>) -> Vec<(usize, Reason)> {
        let next = self.known.next.as_ref().filter(|_| self.until.is_some());
        let at = next.and_then(|next| beyond.iter().position(|(place, _)| self.runs[*place].run.id() == next));
        beyond.rotate_left(at.unwrap_or_default());
        beyond
    }

    /// Indices of the runs that exceed a limit, newest first.
    fn beyond(&self, keep: RetentionLimits, now: SystemTime) -> Vec<(usize, Reason)> {
        let mut taken = 0;
        let mut beyond = Vec::new();
        for (place, RetainedRun { known, .. }) in self.runs.iter().enumerate() {
            taken += known.bytes;
            let age = now.duration_since(UNIX_EPOCH + Duration::from_millis(known.changed_ms)).unwrap_or_default();
            let reason = if keep.runs.is_some_and(|most| place >= most as usize) {
                Reason::Count
            } else if keep.age.is_some_and(|most| age > most) {
                Reason::Age
            } else if keep.bytes.is_some_and(|most| taken > most) {
                Reason::Bytes
            } else {
                continue;
            };
            beyond.push((place, reason));
        }
        beyond
    }

    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }

    /// Removes the run; returns false if a process has taken it up meanwhile.
    ///
    /// # Errors
    /// When its folder can't be removed. What is left of it no longer counts as a run.
    pub fn remove(&self, going: &Going) -> io::Result<bool> {
        let Some(RetainedRun { run, .. }) = self.runs.iter().find(|seen| *seen.run.id() == going.run) else {
            return Ok(false);
        };
        let journal = open_own(&run.journal())?;
        if journal.try_lock().is_err() {
            return Ok(false);
        }
        let gone = run.path().with_file_name(format!("{GOING}{}", run.id()));
        fs::rename(run.path(), &gone)?;
        remove(&gone, self.until.is_some())?;
        Ok(true)
    }
}

impl RetainedRun {
    /// Sorts by the last event: a resumed run isn't old.
    fn place(&self) -> (u64, &str) {
        (self.known.changed_ms, self.run.id().as_str())
    }
}

impl KnownRun {
    /// Examines a run; `None` if it has no journal.
    fn of(run: &RunFolder) -> Option<Self> {
        let repository = beginning(run).ok().flatten().map(|(_, started)| Digest::of(started.repository).short());
        Some(Self { changed_ms: Self::changed_ms(run)?, bytes: size(run.path()), repository })
    }

    fn changed_ms(run: &RunFolder) -> Option<u64> {
        let changed = fs::symlink_metadata(run.journal()).and_then(|about| about.modified()).ok()?;
        u64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    }
}

/// Removes what a killed process left of runs that it was removing, until `until`.
///
/// # Errors
/// When a folder can't be removed.
pub fn finish_removals(state: &Path, until: Option<Instant>) -> io::Result<()> {
    for entry in fs::read_dir(RunFolder::home(state)).into_iter().flatten() {
        let entry = entry?;
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        if entry.file_name().as_encoded_bytes().starts_with(GOING.as_bytes()) {
            remove(&entry.path(), until.is_some())?;
        }
    }
    Ok(())
}

/// If somebody waits for it, a long removal is left to the next pass.
fn remove(gone: &Path, is_awaited: bool) -> io::Result<()> {
    if !is_awaited {
        return remove_tree(gone);
    }
    match remove_tree_soon(gone) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
        removed => removed,
    }
}

/// Whether the run has a patch that isn't applied.
fn is_waiting(run: &RunFolder) -> bool {
    fs::metadata(run.patch()).is_ok_and(|patch| patch.len() > 0) && !run.applied().exists()
}

/// Whether the tree at `root` is what the run's patch made of it. There are few such runs: at most one per changed
/// file.
fn can_be_undone(run: &RunFolder, root: &Path) -> bool {
    let changes = applied_changes(run);
    changes.is_ok_and(|changes| !changes.is_empty() && still_applies(root, &changes.reversed()).is_ok())
}

/// Finds the newest run of each repository among those that `counts` accepts, reading only as far as needed.
struct Newest<'a> {
    of: &'a Retention,
    counts: fn(&RunFolder) -> bool,
    by_repository: HashMap<&'a str, usize>,
    seen: usize,
}

impl<'a> Newest<'a> {
    fn of(of: &'a Retention, counts: fn(&RunFolder) -> bool) -> Self {
        Self { of, counts, by_repository: HashMap::new(), seen: 0 }
    }

    /// Whether no newer run than the one at `place` belongs to this repository. If that is unknown, or time is up,
    /// true.
    fn is_at(&mut self, place: usize, repository: Option<&str>) -> bool {
        let Some(repository) = repository else { return true };
        while self.seen < place && !self.by_repository.contains_key(repository) {
            if self.of.is_late() {
                return true;
            }
            let RetainedRun { run, known } = &self.of.runs[self.seen];
            if let Some(own) = known.repository.as_deref()
                && !self.by_repository.contains_key(own)
                && (self.counts)(run)
            {
                self.by_repository.insert(own, self.seen);
            }
            self.seen += 1;
        }
        self.by_repository.get(repository).is_none_or(|newest| *newest >= place)
    }
}

/// Size of a folder on the disk in bytes. Links aren't followed; unreadable entries count as 0.
fn size(path: &Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(path) else { return 0 };
    let own = about.blocks() * 512;
    if !about.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    own + entries.map(|entry| size(&entry.path())).sum::<u64>()
}
