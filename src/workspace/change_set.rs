//! What a run changed, as states of files: enough to apply it exactly and to undo it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::FileState;
use crate::journal::{RUN_FILE_LIMIT, RelPath, read_own};

/// Schema name in `changes.json`.
pub const CHANGES_SCHEMA: &str = "kcode.changes/1";

/// A changed path, before and after the change. The contents are kept separately, by their digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedFile {
    /// The path.
    pub path: RelPath,
    /// State before the change; `None` if the path didn't exist.
    pub before: Option<FileState>,
    /// State after the change; `None` if the path is removed.
    pub after: Option<FileState>,
}

/// All changed paths of a run, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeSet {
    /// Always [`CHANGES_SCHEMA`] when written by this version.
    pub schema: String,
    /// The paths.
    pub entries: Vec<ChangedFile>,
}

impl ChangeSet {
    /// A change set of these paths with the current schema.
    #[must_use]
    pub fn new(entries: Vec<ChangedFile>) -> Self {
        Self { schema: CHANGES_SCHEMA.to_owned(), entries }
    }

    /// True when nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The inverse: applied to the changed tree, it restores the start.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let turn =
            |entry: &ChangedFile| ChangedFile { path: entry.path.clone(), before: entry.after, after: entry.before };
        Self::new(self.entries.iter().map(turn).collect())
    }

    /// Combines both changes: from the state before `self` to the state after `later`. Paths that end as they began are
    /// dropped.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        let mut all: BTreeMap<RelPath, ChangedFile> =
            self.entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect();
        for entry in &later.entries {
            all.entry(entry.path.clone())
                .and_modify(|first| first.after = entry.after)
                .or_insert_with(|| entry.clone());
        }
        Self::new(all.into_values().filter(|entry| entry.before != entry.after).collect())
    }

    /// Writes the change set to `path`: durable, whole or not at all.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        replace(path, &serde_json::to_vec_pretty(self)?)
    }

    /// Reads what [`ChangeSet::save`] wrote.
    ///
    /// # Errors
    /// When it can't be read, or isn't of this version.
    pub fn load(path: &Path) -> io::Result<Self> {
        let set: Self = serde_json::from_slice(&read_own(path, RUN_FILE_LIMIT)?)?;
        if set.schema == CHANGES_SCHEMA {
            Ok(set)
        } else {
            let found = format!("{} has the schema {:?}, not {CHANGES_SCHEMA:?}", path.display(), set.schema);
            Err(io::Error::new(io::ErrorKind::InvalidData, found))
        }
    }
}

/// Replaces a file of the run folder in one step: a reader sees the old bytes or the new ones.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Digest;
    use crate::workspace::FileMode;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> ChangedFile {
        let state = |text: &str| FileState { mode: FileMode::Regular, sha256: Digest::of(text) };
        let path = RelPath::new(path).expect("a path");
        ChangedFile { path, before: before.map(state), after: after.map(state) }
    }

    #[test]
    fn one_after_the_other() {
        let first = ChangeSet::new(vec![change("a", Some("1"), Some("2")), change("b", None, Some("new"))]);
        assert!(first.then(&first.reversed()).is_empty());
        let later = ChangeSet::new(vec![change("a", Some("2"), None), change("c", Some("x"), Some("y"))]);
        let both =
            vec![change("a", Some("1"), None), change("b", None, Some("new")), change("c", Some("x"), Some("y"))];
        assert_eq!(first.then(&later), ChangeSet::new(both));
    }
}
