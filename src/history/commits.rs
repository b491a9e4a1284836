//! Which commit took up what had been applied: in the line of HEAD, the first one since then that changes one of its files.
//!
//! All patches that were applied to a repository are looked for in one walk, and of each commit only the names of its files
//! are asked: ten thousand runs must not take a walk each.

use std::collections::HashMap;

use git2::{Commit, Oid, Repository};

use super::objects::Objects;
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
    let Some(objects) = Objects::of(repository) else { return found };
    let line = line_of_head(repository, &objects, earliest);
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
        for path in objects.changed_paths(commit).unwrap_or_default() {
            for number in by_path.remove(path.as_str()).unwrap_or_default() {
                found[number].get_or_insert(commit.id());
            }
        }
    }
    found
}

/// Commits down to HEAD by first parents, oldest first, without those that are older than that.
fn line_of_head<'r>(repository: &'r Repository, objects: &Objects<'r>, earliest_s: i64) -> Vec<Commit<'r>> {
    let head = repository.head().ok().and_then(|head| objects.commit(head.target()?));
    let line = std::iter::successors(head, |commit| objects.commit(commit.parent_ids().next()?));
    let line = line.take_while(|commit| commit.time().seconds() >= earliest_s).take(MOST_COMMITS);
    let mut line: Vec<_> = line.collect();
    line.reverse();
    line
}
