//! Which commit took up what had been applied: in the line of HEAD, the first one since then that changes one of its files.
//!
//! All patches that were applied to a repository are looked for in one walk, and of each commit only the names of its files
//! are asked: ten thousand runs must not take a walk each.

use std::collections::HashMap;
use std::path::Path;

use git2::{Commit, DiffOptions, Oid, Repository, Tree};

use crate::journal::RelPath;

/// How far back a repository's history is read.
const MOST_COMMITS: usize = 20_000;

/// A patch that somebody applied.
pub(super) struct AppliedPatch<'a> {
    /// When, in seconds since 1970.
    pub since_s: i64,
    /// HEAD when its run began, which took up nothing of it: git's clock has no more than seconds.
    pub head: Option<Oid>,
    /// The files that it changes.
    pub paths: &'a [RelPath],
    /// The commit that was made of it when it was applied, if one was.
    pub commit: Option<Oid>,
}

/// The commit that took up each patch, in their order; `None` where there is none yet.
pub(super) fn taken_up(repository: &Repository, applied: &[AppliedPatch<'_>]) -> Vec<Option<Oid>> {
    let mut found: Vec<Option<Oid>> = applied.iter().map(|patch| patch.commit).collect();
    let earliest = applied.iter().map(|patch| patch.since_s).min().unwrap_or(i64::MAX);
    let line = line_of_head(repository, earliest);
    let places: HashMap<Oid, usize> = line.iter().enumerate().map(|(place, commit)| (commit.id(), place)).collect();
    let mut from: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, patch) in applied.iter().enumerate() {
        let later = line.partition_point(|commit| commit.time().seconds() < patch.since_s);
        let after = patch.head.and_then(|head| places.get(&head)).map_or(0, |place| place + 1);
        from.entry(later.max(after)).or_default().push(number);
    }
    let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, commit) in line.iter().enumerate() {
        for number in from.remove(&place).unwrap_or_default() {
            applied[number].paths.iter().for_each(|path| by_path.entry(path.as_str()).or_default().push(number));
        }
        if by_path.is_empty() {
            continue;
        }
        for path in changed_paths(repository, commit).unwrap_or_default() {
            for number in by_path.remove(path.as_str()).unwrap_or_default() {
                found[number].get_or_insert(commit.id());
            }
        }
    }
    found
}

/// Commits down to HEAD by first parents, oldest first, without those that are older than that.
fn line_of_head(repository: &Repository, earliest_s: i64) -> Vec<Commit<'_>> {
    let head = repository.head().and_then(|head| head.peel_to_commit()).ok();
    let line = std::iter::successors(head, |commit| commit.parent(0).ok());
    let line = line.take_while(|commit| commit.time().seconds() >= earliest_s).take(MOST_COMMITS);
    let mut line: Vec<_> = line.collect();
    line.reverse();
    line
}

/// The files in which a commit differs from its first parent. Where history was cut off (a shallow clone) nobody knows them.
fn changed_paths(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<String>, git2::Error> {
    let parent = match commit.parent_count() {
        0 => None,
        _ => Some(commit.parent(0)?.tree()?),
    };
    let mut options = DiffOptions::new();
    options.skip_binary_check(true).ignore_submodules(true);
    let diff = repository.diff_tree_to_tree(parent.as_ref(), Some(&commit.tree()?), Some(&mut options))?;
    // A deleted file has its path on both sides, too.
    let paths = diff.deltas().filter_map(|delta| delta.new_file().path()?.to_str().map(str::to_owned));
    Ok(paths.collect())
}

/// The blob at a path.
pub(super) fn blob_id(tree: &Tree<'_>, path: &RelPath) -> Option<Oid> {
    tree.get_path(Path::new(path.as_str())).ok().map(|entry| entry.id())
}
