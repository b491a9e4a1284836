//! Human repair: what people changed by hand in what they had applied, before they committed it.
//!
//! What kcode brought is in the run's folder, what was committed is in git: between the two lies what was done by hand.
//! Only changes that touch a hunk of the patch count; what else a person does to the same file is no repair.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use git2::{Commit, Repository, Sort};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::RunSummary;
use crate::journal::{RelPath, RunFolder};
use crate::workspace::{Blobs, ChangeSet, ChangedFile, FileState};

/// How far back a repository's history is read.
const MOST_COMMITS: usize = 20_000;

/// What was changed by hand in an applied patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// All of its files that differed were committed.
    Known {
        /// Hunks of the patch.
        hunks: u64,
        /// Of those, edited by hand.
        edited: u64,
        /// Lines changed in them.
        lines: u64,
    },
    /// Nobody can tell, for this reason.
    Unknown(&'static str),
}

/// The histories that were looked at, by the repository's root.
#[derive(Default)]
pub struct Histories {
    by_root: HashMap<String, Option<History>>,
}

/// A repository with its commits in the line of HEAD, newest first: id and time in seconds.
struct History {
    repository: Repository,
    commits: Vec<(git2::Oid, i64)>,
}

impl Histories {
    /// What became of the patch of `run` between its application at `applied_s` (seconds since 1970) and the next commit.
    pub fn repair(&mut self, folder: &RunFolder, run: &RunSummary, applied_s: i64) -> Repair {
        let history = self.by_root.entry(run.repository.clone()).or_insert_with(|| History::of(&run.repository));
        let Some(history) = history else { return Repair::Unknown("its repository has no history that can be read") };
        let Ok(changes) = ChangeSet::load(&folder.changes()) else {
            return Repair::Unknown("what it changed is not kept");
        };
        let paths = changes.entries.iter().map(|entry| &entry.path);
        let Some(commit) = history.next_commit(applied_s, paths) else {
            return Repair::Unknown("its files were not committed since");
        };
        let blobs = Blobs::at(&folder.blobs());
        let repaired = changes.entries.iter().map(|entry| history.repaired(&blobs, entry, &commit));
        let sum = repaired.sum::<io::Result<Repaired>>();
        sum.map_or(Repair::Unknown("what it changed is not kept"), |Repaired { hunks, edited, lines }| Repair::Known {
            hunks,
            edited,
            lines,
        })
    }
}

impl History {
    fn of(root: &str) -> Option<Self> {
        let repository = Repository::open(root).ok()?;
        let commits = {
            let mut walk = repository.revwalk().ok()?;
            walk.push_head().ok()?;
            walk.simplify_first_parent().ok()?;
            walk.set_sorting(Sort::TOPOLOGICAL).ok()?;
            let time = |id| Some((id, repository.find_commit(id).ok()?.time().seconds()));
            walk.take(MOST_COMMITS).filter_map(|id| time(id.ok()?)).collect()
        };
        Some(Self { repository, commits })
    }

    /// The first commit since then that has something else than its parent at one of these paths.
    fn next_commit<'a>(&self, since_s: i64, paths: impl Iterator<Item = &'a RelPath> + Clone) -> Option<Commit<'_>> {
        let later = self.commits.iter().take_while(|(_, time)| *time >= since_s).map(|(id, _)| *id);
        let later: Vec<_> = later.collect();
        later.into_iter().rev().find_map(|id| {
            let commit = self.repository.find_commit(id).ok()?;
            let parent = commit.parent(0).ok();
            let differs = paths
                .clone()
                .any(|path| blob_id(&commit, path) != parent.as_ref().and_then(|parent| blob_id(parent, path)));
            differs.then_some(commit)
        })
    }

    fn repaired(&self, blobs: &Blobs, entry: &ChangedFile, commit: &Commit<'_>) -> io::Result<Repaired> {
        let content = |state: &Option<FileState>| state.map(|state| blobs.read(state.sha256)).transpose();
        let committed = blob_id(commit, &entry.path).and_then(|id| self.repository.find_blob(id).ok());
        let committed = committed.as_ref().map(git2::Blob::content);
        Ok(repaired(content(&entry.before)?.as_deref(), content(&entry.after)?.as_deref(), committed))
    }
}

fn blob_id(commit: &Commit<'_>, path: &RelPath) -> Option<git2::Oid> {
    commit.tree().ok()?.get_path(Path::new(path.as_str())).ok().map(|entry| entry.id())
}

/// Counts of one file, or of several.
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

/// What was changed by hand between `applied` and `committed` in the hunks that lead from `before` to `applied`.
fn repaired(before: Option<&[u8]>, applied: Option<&[u8]>, committed: Option<&[u8]>) -> Repaired {
    let (Some(applied), Some(committed)) = (applied, committed) else {
        // A file that is to be gone, or is gone, is one hunk.
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

/// Lines without their ends: git may have turned those on the way into the commit.
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
