//! Which runs are kept: so many, so long, so much; and removing the others.
//!
//! Whatever the limits, these stay: a run that somebody works on, one whose patch is just being written to a tree, the latest
//! of each repository and the latest of it whose patch waits, and one whose patch stands in the tree as it was applied: what
//! it replaced is needed to undo it. A run goes whole or not at all: its folder is renamed first, under the lock of its journal.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::beginning;
use crate::journal::open_own;
use crate::journal::{FindError, RunFolder, RunId, is_abandoned};
use crate::workspace::{applied_changes, remove_tree, still_applies};

/// What a folder is called while it is being removed: no run's name.
const GOING: &str = ".going-";

/// How much is kept; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many runs.
    pub runs: Option<u32>,
    /// Runs that ended no longer ago.
    pub age: Option<Duration>,
    /// The newest runs that fit into so many bytes.
    pub bytes: Option<u64>,
}

/// Why a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There are newer ones enough.
    Count,
    /// It is too old.
    Age,
    /// Newer ones take the room.
    Bytes,
}

/// A run that goes, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Going {
    /// The run.
    pub run: RunId,
    /// Its repository, when its journal can be read.
    pub repository: Option<String>,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// Why it goes.
    pub reason: Reason,
}

/// The runs below a state folder, newest first, and how they are measured.
pub struct Retention {
    runs: Vec<(SystemTime, RunFolder)>,
    spared: HashSet<RunId>,
    until: Option<Instant>,
}

impl Retention {
    /// Looks at the runs below `state`. Those in `spared` stay; so does what isn't known by `until`: nobody waits longer.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn of(state: &Path, spared: HashSet<RunId>, until: Option<Instant>) -> Result<Self, FindError> {
        let changed = |run: &RunFolder| fs::metadata(run.journal()).and_then(|meta| meta.modified());
        // A run counts from its last event: one that was taken up again isn't old.
        let mut runs: Vec<_> =
            RunFolder::all(state)?.into_iter().filter_map(|run| Some((changed(&run).ok()?, run))).collect();
        runs.sort_by(|(a, one), (b, other)| (b, one.id().as_str()).cmp(&(a, other.id().as_str())));
        Ok(Self { runs, spared, until })
    }

    /// The runs that `keep` lets go, oldest first.
    #[must_use]
    pub fn going(&self, keep: Keep, now: SystemTime) -> Vec<Going> {
        let mut latest = Newest::of(self, |_| true);
        let mut waiting = Newest::of(self, is_waiting);
        let mut going = Vec::new();
        // Newest first, because of those it is soon known that others are newer; time must not go into the oldest, which may
        // be the only run of its repository, each time anew.
        for (place, reason) in self.beyond(keep, now) {
            if self.is_late() {
                break;
            }
            let (_, run) = &self.runs[place];
            // One that can't be read may be the only trace of something: it stays, and `kcode runs` names it.
            let Ok(begun) = beginning(run) else { continue };
            let repository = begun.map(|(_, started)| started.repository);
            let is_needed = |root: &String| {
                latest.is_at(place, root)
                    || (is_waiting(run) && waiting.is_at(place, root))
                    || can_be_undone(run, Path::new(root))
            };
            let stays = self.spared.contains(run.id()) || !is_abandoned(&run.journal());
            if !stays && !repository.as_ref().is_some_and(is_needed) {
                going.push(Going { run: run.id().clone(), repository, bytes: size(run.path()), reason });
            }
        }
        going.reverse();
        going
    }

    /// Places of the runs beyond a limit, newest first.
    fn beyond(&self, keep: Keep, now: SystemTime) -> Vec<(usize, Reason)> {
        let mut taken = 0;
        let mut beyond = Vec::new();
        for (place, (changed, run)) in self.runs.iter().enumerate() {
            if let Some(most) = keep.bytes
                && taken <= most
                && !self.is_late()
            {
                taken += size(run.path());
            }
            let age = now.duration_since(*changed).unwrap_or_default();
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

    /// Removes the run; false when it has been taken up meanwhile.
    ///
    /// # Errors
    /// When its folder can't be removed; what is left of it is no run any more.
    pub fn remove(&self, going: &Going) -> io::Result<bool> {
        let Some((_, run)) = self.runs.iter().find(|(_, run)| *run.id() == going.run) else { return Ok(false) };
        let journal = open_own(&run.journal())?;
        if journal.try_lock().is_err() {
            return Ok(false);
        }
        let gone = run.path().with_file_name(format!("{GOING}{}", run.id()));
        fs::rename(run.path(), &gone)?;
        remove_tree(&gone)?;
        Ok(true)
    }
}

/// Removes what a killed process left of runs that it was removing.
///
/// # Errors
/// When it can't be removed.
pub fn finish_removals(state: &Path) -> io::Result<()> {
    for entry in fs::read_dir(RunFolder::home(state)).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(GOING.as_bytes()) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether the run has a patch that isn't in anybody's tree.
fn is_waiting(run: &RunFolder) -> bool {
    fs::metadata(run.patch()).is_ok_and(|patch| patch.len() > 0) && !run.applied().exists()
}

/// Whether the tree at `root` is what the run's patch made of it. There are never many such runs: no more than files.
fn can_be_undone(run: &RunFolder, root: &Path) -> bool {
    let changes = applied_changes(run);
    changes.is_ok_and(|changes| !changes.is_empty() && still_applies(root, &changes.reversed()).is_ok())
}

/// The newest run of each repository among those that count, as far as it was asked for.
struct Newest<'a> {
    of: &'a Retention,
    counts: fn(&RunFolder) -> bool,
    by_repository: HashMap<String, usize>,
    seen: usize,
}

impl<'a> Newest<'a> {
    fn of(of: &'a Retention, counts: fn(&RunFolder) -> bool) -> Self {
        Self { of, counts, by_repository: HashMap::new(), seen: 0 }
    }

    /// Whether no run before `place` is of this repository. What isn't known in time counts as such.
    fn is_at(&mut self, place: usize, repository: &str) -> bool {
        while self.seen < place && !self.by_repository.contains_key(repository) {
            if self.of.is_late() {
                return true;
            }
            let (_, run) = &self.of.runs[self.seen];
            if (self.counts)(run)
                && let Ok(Some((_, started))) = beginning(run)
            {
                self.by_repository.entry(started.repository).or_insert(self.seen);
            }
            self.seen += 1;
        }
        self.by_repository.get(repository).is_none_or(|newest| *newest >= place)
    }
}

/// What a folder takes on the disk. Links aren't followed; what can't be looked at counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(path) else { return 0 };
    let own = about.blocks() * 512;
    if !about.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    own + entries.map(|entry| size(&entry.path())).sum::<u64>()
}
