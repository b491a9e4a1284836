//! Reads git objects of a repository that somebody else may have made: the size of each is checked first.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use git2::{Blob, Commit, ObjectType, Odb, Oid, Repository, Tree};

use crate::journal::RelPath;

/// Limit for a commit or a tree, in bytes.
const LARGEST: usize = 16 << 20;
/// Limit for a file that is compared line by line, in bytes.
const LARGEST_FILE: usize = 64 << 20;
/// Limit for the entries of all trees compared for one commit.
const MOST_ENTRIES: usize = 1_000_000;
/// Limit for nested folders.
const DEEPEST: usize = 200;

/// Reads objects up to these limits.
pub(super) struct Objects<'r> {
    repository: &'r Repository,
    store: Odb<'r>,
}

/// Entries of a tree by name: type, id and file mode.
type Entries = BTreeMap<Vec<u8>, (Option<ObjectType>, Oid, i32)>;

impl<'r> Objects<'r> {
    pub(super) fn of(repository: &'r Repository) -> Option<Self> {
        Some(Self { repository, store: repository.odb().ok()? })
    }

    fn is_small(&self, id: Oid, limit: usize) -> bool {
        self.store.read_header(id).is_ok_and(|(size, _)| size <= limit)
    }

    pub(super) fn commit(&self, id: Oid) -> Option<Commit<'r>> {
        self.is_small(id, LARGEST).then(|| self.repository.find_commit(id).ok()).flatten()
    }

    pub(super) fn tree(&self, id: Oid) -> Option<Tree<'r>> {
        self.is_small(id, LARGEST).then(|| self.repository.find_tree(id).ok()).flatten()
    }

    /// Reads the file at a path below `tree`, if there is one.
    ///
    /// # Errors
    /// When it is too large.
    pub(super) fn file(&self, tree: Oid, path: &RelPath) -> io::Result<Option<Blob<'r>>> {
        let mut id = tree;
        for part in path.as_path() {
            let entry = part.to_str().and_then(|part| Some(self.tree(id)?.get_name(part)?.id()));
            let Some(entry) = entry else { return Ok(None) };
            id = entry;
        }
        if !self.is_small(id, LARGEST_FILE) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(self.repository.find_blob(id).ok())
    }

    /// Files in which a commit differs from its first parent. `None` if that is unknown: the history is cut off (a
    /// shallow clone), or the limits are exceeded.
    pub(super) fn changed_paths(&self, commit: &Commit<'_>) -> Option<Vec<String>> {
        let parent = match commit.parent_ids().next() {
            None => None,
            Some(parent) => Some(self.commit(parent)?.tree_id()),
        };
        let (mut paths, mut left) = (Vec::new(), MOST_ENTRIES);
        self.compare(
            parent,
            Some(commit.tree_id()),
            Path::new(""),
            &mut TreeDifferences { paths: &mut paths, left: &mut left },
        )?;
        Some(paths)
    }

    fn compare(&self, old: Option<Oid>, new: Option<Oid>, at: &Path, found: &mut TreeDifferences<'_>) -> Option<()> {
        if old == new {
            return Some(());
        }
        if at.iter().count() > DEEPEST {
            return None;
        }
        let (old, new) = (self.entries(old, found)?, self.entries(new, found)?);
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        for name in new.keys().chain(gone) {
            let (before, after) = (old.get(name), new.get(name));
            if before == after {
                continue;
            }
            // A name that isn't UTF-8 is in no patch of kcode.
            let Ok(text) = std::str::from_utf8(name) else { continue };
            let path = at.join(text);
            let folder = |entry: Option<&(Option<ObjectType>, Oid, i32)>| {
                entry.filter(|(kind, ..)| *kind == Some(ObjectType::Tree)).map(|(_, id, _)| *id)
            };
            let is_file = |entry: Option<&(Option<ObjectType>, Oid, i32)>| {
                entry.is_some_and(|(kind, ..)| *kind == Some(ObjectType::Blob))
            };
            if is_file(before) || is_file(after) {
                found.paths.extend(path.to_str().map(str::to_owned));
            }
            if folder(before).or(folder(after)).is_some() {
                self.compare(folder(before), folder(after), &path, found)?;
            }
        }
        Some(())
    }

    fn entries(&self, tree: Option<Oid>, found: &mut TreeDifferences<'_>) -> Option<Entries> {
        let Some(tree) = tree else { return Some(Entries::new()) };
        let tree = self.tree(tree)?;
        *found.left = found.left.checked_sub(tree.len())?;
        let entry =
            |entry: git2::TreeEntry<'_>| (entry.name_bytes().to_vec(), (entry.kind(), entry.id(), entry.filemode()));
        Some(tree.iter().map(entry).collect())
    }
}

/// Differing files found so far, and the number of entries that may still be read.
struct TreeDifferences<'a> {
    paths: &'a mut Vec<String>,
    left: &'a mut usize,
}
