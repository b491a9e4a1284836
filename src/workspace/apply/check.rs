//! Checks whether a tree still is what a change set expects.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{ApplyError, Doing, StaleFile};
use crate::workspace::file_state::{self, PathObstacle, PathState};
use crate::workspace::{ChangeSet, ChangedFile};

/// Checks that every file that `changes` touches still is what it was.
///
/// # Errors
/// [`ApplyError::MovedOn`] names those that are not.
pub fn still_applies(root: &Path, changes: &ChangeSet) -> Result<(), ApplyError> {
    let doing = Doing::Apply;
    let tree = Dir::open_ambient_dir(root, ambient_authority());
    check(&tree.map_err(|source| ApplyError::Write { path: root.to_owned(), source, doing })?, changes, doing)
}

/// Compares every touched file with its expected state.
pub(in crate::workspace) fn check(tree: &Dir, changes: &ChangeSet, doing: Doing) -> Result<(), ApplyError> {
    refuse_git(changes)?;
    let moved_on = |entry: &ChangedFile| {
        let now = difference(tree, changes, entry)?;
        Some(StaleFile { path: entry.path.clone(), now })
    };
    let files: Vec<_> = changes.entries.iter().filter_map(moved_on).collect();
    if files.is_empty() { Ok(()) } else { Err(ApplyError::MovedOn { files, doing }) }
}

/// No change set may touch git's own files.
pub(super) fn refuse_git(changes: &ChangeSet) -> Result<(), ApplyError> {
    let of_git = changes.entries.iter().find(|entry| file_state::is_of_git(entry.path.as_path()));
    of_git.map_or(Ok(()), |entry| Err(ApplyError::OfGit(entry.path.clone())))
}

/// In a word, what is different at the path of `entry`; `None` when nothing is.
pub(super) fn difference(tree: &Dir, changes: &ChangeSet, entry: &ChangedFile) -> Option<&'static str> {
    let path = entry.path.as_path();
    let found = match file_state::look(tree, path) {
        Ok(PathState::File(..)) => match file_state::state(tree, path) {
            Ok(Some(state)) => state,
            _ => return Some("unreadable"),
        },
        Ok(PathState::Nothing) if entry.before.is_some() => return Some("gone"),
        Ok(PathState::Nothing) => return is_blocked(tree, changes, path).then_some("behind a link or a file"),
        Ok(PathState::Folder) => {
            // A folder may be replaced by a file when the change set empties it.
            let emptied = |other: &ChangedFile| other.after.is_none() && other.path.as_path().starts_with(path);
            let gives_way = entry.before.is_none() && changes.entries.iter().any(emptied);
            return (!gives_way).then_some("a folder");
        }
        Ok(PathState::Special) => return Some("not a file"),
        Err(_) => return Some("unreadable"),
    };
    match entry.before {
        None => Some("there already"),
        Some(before) if found.sha256 != before.sha256 => Some("changed"),
        Some(before) if found.mode != before.mode => Some("of another mode"),
        Some(_) => None,
    }
}

/// Returns true when a file that stays is where a folder is needed: new files don't go through links.
fn is_blocked(tree: &Dir, changes: &ChangeSet, path: &Path) -> bool {
    let goes = |blocker| changes.entries.iter().any(|other| other.after.is_none() && other.path.as_path() == blocker);
    match file_state::obstacle(tree, path) {
        Ok(Some(PathObstacle::NoFolder(blocker))) => !goes(blocker),
        Ok(Some(PathObstacle::Missing) | None) => false,
        Err(_) => true,
    }
}
