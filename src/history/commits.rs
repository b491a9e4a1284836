//! Finds the commit that took up an applied patch: on the first-parent line of HEAD, the first later one that changes
//! one of its files.
//!
//! One walk finds the commits of all patches of a repository, and reads only the names of changed files: ten thousand
//! runs must not take a walk each.

use std::collections::HashMap;

use git2::{Commit, Oid, Repository};

use super::objects::Objects;
use crate::journal::RelPath;

/// Most commits read of a repository's history.
const MOST_COMMITS: usize = 20_000;

pub(super) struct AppliedPatch<'a> {
    /// Time when it was applied, in seconds since 1970.
    pub since_s: i64,
    /// HEAD when the run began. That commit and older ones can't contain the patch; times don't tell, because git's
    /// have whole seconds only.
    pub head: Option<Oid>,
    /// Changed files.
    pub paths: &'a [RelPath],
    /// The commit that `apply` made, if any.
    pub commit: Option<Oid>,
}

/// The commit that took up each patch, in their order; `None` if there is none yet.
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

/// First-parent commits from HEAD back to `earliest_s`, oldest first.
fn line_of_head<'r>(repository: &'r Repository, objects: &Objects<'r>, earliest_s: i64) -> Vec<Commit<'r>> {
    let head = repository.head().ok().and_then(|head| objects.commit(head.target()?));
    let line = std::iter::successors(head, |commit| objects.commit(commit.parent_ids().next()?));
    let line = line.take_while(|commit| commit.time().seconds() >= earliest_s).take(MOST_COMMITS);
    let mut line: Vec<_> = line.collect();
    line.reverse();
    line
}
