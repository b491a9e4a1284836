//! Fits a change set to a tree that changed since: a three-way merge of each changed file.
//!
//! It uses git's own line merge (`git2`), so the result is what `git apply --3way` would make. Either everything fits,
//! or nothing is merged.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::check::{difference, refuse_git};
use super::{ApplyError, Conflict, Doing};
use crate::journal::RelPath;
use crate::workspace::{Blobs, ChangeSet, ChangedFile, FileMode, FileState, file_state};

/// A change set that fits the tree as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// What to write; its contents are in the blobs.
    pub changes: ChangeSet,
    /// Files of it that combine the user's and the patch's changes: no test ran on them.
    pub files: Vec<RelPath>,
}

/// Fits `changes` to the tree at `root`. Files that are in their final state already are dropped.
///
/// # Errors
/// [`ApplyError::Conflicts`] names every file that can't be merged.
pub fn merge(root: &Path, changes: &ChangeSet, blobs: &Blobs) -> Result<Merged, ApplyError> {
    let doing = Doing::Apply;
    refuse_git(changes)?;
    let tree = Dir::open_ambient_dir(root, ambient_authority());
    let tree = tree.map_err(|source| ApplyError::Write { path: root.to_owned(), source, doing })?;
    let (mut merged, mut conflicts) = (Merged { changes: ChangeSet::new(Vec::new()), files: Vec::new() }, Vec::new());
    for entry in &changes.entries {
        let Some(now) = difference(&tree, changes, entry) else {
            merged.changes.entries.push(entry.clone());
            continue;
        };
        match fit(&tree, entry, now, blobs) {
            Ok(Some(fitted)) => {
                merged.files.push(fitted.path.clone());
                merged.changes.entries.push(fitted);
            }
            Ok(None) => {}
            Err(why) => conflicts.push(Conflict { path: entry.path.clone(), why }),
        }
    }
    if conflicts.is_empty() { Ok(merged) } else { Err(ApplyError::Conflicts(conflicts)) }
}

/// The change of a file that isn't in its expected state; `None` when nothing is left to do.
fn fit(tree: &Dir, entry: &ChangedFile, now: &str, blobs: &Blobs) -> Result<Option<ChangedFile>, String> {
    let path = entry.path.as_path();
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    let found = file_state::state(tree, path).map_err(unreadable)?;
    if found == entry.after && (found.is_some() || now == "gone") {
        return Ok(None);
    }
    let (Some(before), Some(after), Some(found)) = (entry.before, entry.after, found) else {
        return Err(match (entry.before, entry.after) {
            (Some(_), None) => format!("the patch deletes it, and it is {now}"),
            (None, _) => format!("the patch makes it, and it is {now}"),
            _ => format!("the patch changes it, and it is {now}"),
        });
    };
    if [before, after, found].iter().any(|state| state.mode.is_symlink()) {
        return Err("a link can't be merged".to_owned());
    }
    let mode = mode(before.mode, found.mode, after.mode);
    let theirs = file_state::content(tree, path, found.mode).map_err(unreadable)?;
    let kept = |state: FileState| blobs.read(state.sha256).map_err(unreadable);
    let content = merge_content(&kept(before)?, &theirs, &kept(after)?)?;
    let sha256 = blobs.keep(&content).map_err(|error| format!("the merged content can't be kept: {error}"))?;
    let after = FileState { mode, sha256 };
    Ok((after != found).then(|| ChangedFile { path: entry.path.clone(), before: Some(found), after: Some(after) }))
}

/// There are only two modes, so when both sides changed the mode, they agree.
fn mode(before: FileMode, ours: FileMode, theirs: FileMode) -> FileMode {
    if ours == before { theirs } else { ours }
}

/// Merges two changes of `base`; the error says why they conflict.
pub(in crate::workspace) fn merge_content(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, String> {
    if ours == base || ours == theirs {
        return Ok(theirs.to_owned());
    }
    if theirs == base {
        return Ok(ours.to_owned());
    }
    if [base, ours, theirs].iter().any(|content| content.contains(&0)) {
        return Err("a binary file can't be merged".to_owned());
    }
    // Any other git2 object initialises the library; this function alone doesn't.
    drop(git2::Config::new());
    let [mut from, mut left, mut right] = [(); 3].map(|()| git2::MergeFileInput::new());
    let merged = git2::merge_file(from.content(base), left.content(ours), right.content(theirs), None);
    let merged = merged.map_err(|error| format!("can't be merged: {}", error.message()))?;
    if merged.is_automergeable() {
        return Ok(merged.content().to_owned());
    }
    Err(places(merged.content()))
}

/// Whose lines follow, in a text with conflict markers.
#[derive(Clone, Copy)]
enum Side {
    Both,
    Ours,
    Theirs,
}

/// Where the conflicts are, in lines of the user's file.
fn places(marked: &[u8]) -> String {
    let (mut line, mut places, mut side) = (0, Vec::new(), Side::Both);
    for text in marked.split(|byte| *byte == b'\n') {
        match side {
            Side::Both if text.starts_with(b"<<<<<<<") => {
                places.push((line + 1).to_string());
                side = Side::Ours;
            }
            Side::Ours if text.starts_with(b"=======") => side = Side::Theirs,
            Side::Theirs if text.starts_with(b">>>>>>>") => side = Side::Both,
            Side::Theirs => {}
            Side::Both | Side::Ours => line += 1,
        }
    }
    format!("both changed it near line {}", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(range: std::ops::Range<u32>) -> String {
        range.map(|n| format!("line {n}\r\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn changes_of_different_places_go_together_byte_for_byte() {
        let base = lines(1..30);
        let (ours, theirs) = (base.replace("line 2\r\n", "two\n"), base.replace("line 27", "twenty-seven"));
        let merged = merge_content(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(merged).unwrap(), ours.replace("line 27", "twenty-seven"));
    }

    #[test]
    fn changes_of_one_place_are_a_conflict_with_its_line() {
        let base = lines(1..30);
        let (ours, theirs) = (format!("new\r\n{}", base.replace("line 9", "nine")), base.replace("line 9", "IX"));
        let why = merge_content(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).unwrap_err();
        assert_eq!(why, "both changed it near line 10");
        assert!(merge_content(b"a\0", b"b\0", b"c\0").is_err(), "binary");
    }
}
