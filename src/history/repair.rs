//! Human repair: what people changed by hand in applied patches before they committed them.
//!
//! The run's folder holds what kcode wrote, git holds what was committed; the difference was made by hand. Only changes
//! that touch a hunk of the patch count, not other changes to the same file.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use git2::{Oid, Repository};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::commits::{AppliedPatch, taken_up};
use super::objects::Objects;
use super::threads::on_all_processors;
use super::{RunSummary, moment};
use crate::journal::{RunFolder, RunId};
use crate::workspace::{Blobs, ChangeSet, ChangedFile, FileState, History, applied_changes};

/// Changes by hand to an applied patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HumanRepair {
    /// The files of the patch were committed.
    Known {
        /// Number of hunks of the patch.
        hunks: u64,
        /// Number of hunks edited by hand.
        edited: u64,
        /// Number of lines changed in those hunks.
        lines: u64,
    },
    /// It can't be determined, for this reason.
    Unknown(&'static str),
}

const NO_HISTORY: HumanRepair = HumanRepair::Unknown("its repository has no history that can be read");
const NOT_COMMITTED: HumanRepair = HumanRepair::Unknown("its files were not committed since");
const TOO_LARGE: HumanRepair = HumanRepair::Unknown("what was committed is too large to be compared");
const NOT_KEPT: HumanRepair = HumanRepair::Unknown("what it changed is not kept");

/// Compares each applied patch of `runs` with the commit that took it up.
#[must_use]
pub fn repairs(state: &Path, runs: &[RunSummary]) -> HashMap<RunId, HumanRepair> {
    let mut by_root: HashMap<&str, Vec<&RunSummary>> = HashMap::new();
    for run in runs.iter().filter(|run| run.fate.is_accepted()) {
        by_root.entry(&run.repository).or_default().push(run);
    }
    let committed: Vec<Committed<'_>> = by_root.into_iter().flat_map(|(root, runs)| committed(root, runs)).collect();
    on_all_processors(&committed, HashMap::new, |repositories, run| {
        (run.run.run.clone(), run.repair(&RunFolder::at(state, &run.run.run), repositories))
    })
    .into_iter()
    .collect()
}

/// An applied run with the commit that took it up, or the reason why there is none.
struct Committed<'a> {
    run: &'a RunSummary,
    commit: Result<Oid, HumanRepair>,
}

fn committed<'a>(root: &str, runs: Vec<&'a RunSummary>) -> Vec<Committed<'a>> {
    let Some(repository) = History::of(Path::new(root)) else {
        return runs.into_iter().map(|run| Committed { run, commit: Err(NO_HISTORY) }).collect();
    };
    let patch = |run: &&'a RunSummary| AppliedPatch {
        // An unreadable time counts as later than any commit.
        since_s: run.applied_at.as_deref().and_then(moment).map_or(i64::MAX, time::OffsetDateTime::unix_timestamp),
        head: run.head.as_deref().and_then(|head| Oid::from_str(head).ok()),
        paths: &run.paths,
        commit: run.commit.as_deref().and_then(|commit| Oid::from_str(commit).ok()),
    };
    let commits = taken_up(&repository, &runs.iter().map(patch).collect::<Vec<_>>());
    let both = runs.into_iter().zip(commits);
    both.map(|(run, commit)| Committed { run, commit: commit.ok_or(NOT_COMMITTED) }).collect()
}

/// Repositories that a thread has open, by root.
type Repositories<'a> = HashMap<&'a str, Option<History>>;

impl<'a> Committed<'a> {
    fn repair(&self, folder: &RunFolder, open: &mut Repositories<'a>) -> HumanRepair {
        let commit = match self.commit {
            Ok(commit) => commit,
            Err(unknown) => return unknown,
        };
        let root = self.run.repository.as_str();
        let Some(repository) = open.entry(root).or_insert_with(|| History::of(Path::new(root))) else {
            return NO_HISTORY;
        };
        match repaired_since(folder, repository, commit) {
            Ok(Repaired { hunks, edited, lines }) => HumanRepair::Known { hunks, edited, lines },
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => TOO_LARGE,
            Err(_) => NOT_KEPT,
        }
    }
}

fn repaired_since(folder: &RunFolder, repository: &Repository, commit: Oid) -> io::Result<Repaired> {
    let unread = || io::Error::other("the commit can't be read");
    let objects = Objects::of(repository).ok_or_else(unread)?;
    let tree = objects.commit(commit).ok_or_else(unread)?.tree_id();
    let blobs = Blobs::at(&folder.blobs());
    let one = |entry: &ChangedFile| {
        let content = |state: &Option<FileState>| state.map(|state| blobs.read(state.sha256)).transpose();
        let committed = objects.file(tree, &entry.path)?;
        let committed = committed.as_ref().map(git2::Blob::content);
        io::Result::Ok(repaired(content(&entry.before)?.as_deref(), content(&entry.after)?.as_deref(), committed))
    };
    // The record of how it was applied may be of another version; most likely, the whole patch was applied.
    let changes = applied_changes(folder).or_else(|_| ChangeSet::load(&folder.changes()))?;
    changes.entries.iter().map(one).sum()
}

/// Counts for one or more files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Repaired {
    hunks: u64,
    edited: u64,
    lines: u64,
}

impl std::iter::Sum for Repaired {
    fn sum<I: Iterator<Item = Self>>(files: I) -> Self {
        files.fold(Self::default(), |sum, file| Self {
            hunks: sum.hunks + file.hunks,
            edited: sum.edited + file.edited,
            lines: sum.lines + file.lines,
        })
    }
}

/// Counts changes between `applied` and `committed` within the hunks from `before` to `applied`.
fn repaired(before: Option<&[u8]>, applied: Option<&[u8]>, committed: Option<&[u8]>) -> Repaired {
    let (Some(applied), Some(committed)) = (applied, committed) else {
        // A file that the patch or the person deleted counts as one hunk.
        let edited = u64::from(applied.is_some() != committed.is_some());
        let lines = applied.or(committed).filter(|_| edited > 0).map_or(0, |content| lines(content).len() as u64);
        return Repaired { hunks: 1, edited, lines };
    };
    let (before, applied, committed) = (lines(before.unwrap_or_default()), lines(applied), lines(committed));
    let hunks: Vec<Range<usize>> = changes(&before, &applied).map(|op| op.new_range()).collect();
    let by_hand: Vec<DiffOp> = changes(&applied, &committed).collect();
    let touch = |op: &DiffOp, hunk: &Range<usize>| {
        let old = op.old_range();
        old.start <= hunk.end && hunk.start <= old.end
    };
    let edited = hunks.iter().filter(|hunk| by_hand.iter().any(|op| touch(op, hunk))).count();
    let repairs = by_hand.iter().filter(|op| hunks.iter().any(|hunk| touch(op, hunk)));
    let changed = repairs.map(|op| op.old_range().len().max(op.new_range().len())).sum::<usize>();
    Repaired { hunks: hunks.len() as u64, edited: edited as u64, lines: changed as u64 }
}

fn changes<'a>(old: &[&'a [u8]], new: &[&'a [u8]]) -> impl Iterator<Item = DiffOp> + use<> {
    capture_diff_slices(Algorithm::Histogram, old, new).into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }))
}

/// Lines without their ends, which git may have converted on commit.
fn lines(content: &[u8]) -> Vec<&[u8]> {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &[u8] = b"a\nb\nc\nd\ne\nf\n";
    const APPLIED: &[u8] = b"a\nB\nc\nd\nE\nf\n";

    fn of(committed: &[u8]) -> (u64, u64, u64) {
        let Repaired { hunks, edited, lines } = repaired(Some(BEFORE), Some(APPLIED), Some(committed));
        (hunks, edited, lines)
    }

    #[test]
    fn what_was_committed_as_it_was_applied_needed_no_repair() {
        assert_eq!(of(APPLIED), (2, 0, 0));
        assert_eq!(of(b"a\r\nB\r\nc\r\nd\r\nE\r\nf\r\n"), (2, 0, 0), "git turned the line endings");
    }

    #[test]
    fn only_what_touches_a_hunk_is_a_repair() {
        assert_eq!(of(b"a\nBB\nc\nd\nE\nf\n"), (2, 1, 1));
        assert_eq!(of(BEFORE), (2, 2, 2), "all of it was taken back");
        assert_eq!(of(b"a\nB\nc\nd\nE\nf\ng\n").1, 0, "something else was added below");
    }

    #[test]
    fn a_file_that_came_or_went_is_one_hunk() {
        let gone = repaired(Some(BEFORE), None, None);
        assert_eq!(gone, Repaired { hunks: 1, edited: 0, lines: 0 });
        assert_eq!(repaired(Some(BEFORE), None, Some(BEFORE)), Repaired { hunks: 1, edited: 1, lines: 6 });
        assert_eq!(repaired(None, Some(b"x\n"), None), Repaired { hunks: 1, edited: 1, lines: 1 });
    }
}
