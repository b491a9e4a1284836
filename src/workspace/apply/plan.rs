//! Everything that will be written to a tree, decided before the first write: enough to take it back from any point.

use std::collections::BTreeSet;
use std::path::Path;

use cap_std::fs::{Dir, MetadataExt as _};
use serde::{Deserialize, Serialize};

use crate::journal::RelPath;
use crate::workspace::{ChangeSet, ChangedFile, FileMode};

/// Every file and folder that an operation touches, as they were and as they will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// A folder in the tree for new and replaced contents.
    pub staging: RelPath,
    /// The files, sorted by path.
    pub files: Vec<PlannedFile>,
    /// Folders to create, each before those in it.
    pub make: Vec<PlannedFolder>,
    /// Folders to remove when nothing is left in them, each after those in it.
    pub remove: Vec<PlannedFolder>,
}

/// A changed file with its permission bits, which git doesn't keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedFile {
    #[serde(flatten)]
    pub change: ChangedFile,
    /// Current permission bits.
    pub bits_before: Option<u32>,
    /// Final permission bits; `None` leaves them to the umask.
    pub bits_after: Option<u32>,
    /// True when the file has other names (hard links), perhaps outside of the tree.
    #[serde(default)]
    pub has_other_names: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedFolder {
    pub path: RelPath,
    /// Permission bits that it has or had; `None` leaves them to the umask.
    pub bits: Option<u32>,
}

impl Plan {
    /// Plans writing `changes` to `tree`.
    pub(super) fn of(tree: &Dir, changes: &ChangeSet) -> Self {
        let files = changes.entries.iter().map(|change| PlannedFile::of(tree, change)).collect();
        let kept: BTreeSet<&Path> = parents(changes, |change| change.after.is_some());
        let emptied = parents(changes, |change| change.after.is_none());
        // As git does, a folder is removed with its last file.
        let remove = emptied.into_iter().rev().filter(|path| !kept.contains(path));
        let remove = remove.filter_map(|path| planned(path, bits(tree, path))).collect();
        let make = kept.iter().filter(|path| !is_folder(tree, path)).filter_map(|path| planned(path, None)).collect();
        Self { staging: staging(), files, make, remove }
    }

    /// Plans taking back `self`. Only folders that it created are removed, and those that it removed come back.
    pub(super) fn reversed(&self, tree: &Dir) -> Self {
        let files: Vec<_> = self.files.iter().map(|file| file.reversed(tree)).collect();
        let changes = ChangeSet::new(files.iter().map(|file| file.change.clone()).collect());
        let forward = Self::of(tree, &changes);
        let known = |path: &RelPath| self.remove.iter().find(|removed| removed.path == *path).and_then(|it| it.bits);
        let make = forward.make.into_iter().map(|folder| PlannedFolder { bits: known(&folder.path), ..folder });
        let is_ours = |path: &RelPath| self.make.iter().any(|made| made.path == *path);
        let remove = forward.remove.into_iter().filter(|folder| is_ours(&folder.path));
        Self { make: make.collect(), remove: remove.collect(), files, staging: forward.staging }
    }

    /// The change set that the plan carries out.
    pub(super) fn changes(&self) -> ChangeSet {
        ChangeSet::new(self.files.iter().map(|file| file.change.clone()).collect())
    }
}

impl PlannedFile {
    fn of(tree: &Dir, change: &ChangedFile) -> Self {
        let is_file = |state: Option<crate::workspace::FileState>| state.is_some_and(|state| !state.mode.is_symlink());
        let bits_before = bits(tree, change.path.as_path()).filter(|_| is_file(change.before));
        let mode = change.after.filter(|after| !after.mode.is_symlink()).map(|after| after.mode);
        let bits_after = bits_before.zip(mode).map(|(bits, mode)| permissions(bits & 0o777, mode));
        let names = tree.symlink_metadata(change.path.as_path()).map_or(1, |about| about.nlink());
        Self { change: change.clone(), bits_before, bits_after, has_other_names: bits_before.is_some() && names > 1 }
    }

    /// Keeps permission bits that the user set since, as far as the mode allows.
    fn reversed(&self, tree: &Dir) -> Self {
        let ChangedFile { path, before, after } = self.change.clone();
        let turned = Self::of(tree, &ChangedFile { path, before: after, after: before });
        let untouched = turned.bits_before.is_none() || turned.bits_before == self.bits_after;
        let bits_after = if untouched { self.bits_before } else { turned.bits_after };
        Self { bits_after, ..turned }
    }
}

/// The permission bits of a file that had `bits` and gets `mode`.
pub(in crate::workspace) const fn permissions(bits: u32, mode: FileMode) -> u32 {
    match mode {
        FileMode::Executable if bits & 0o100 != 0 => bits,
        // Whoever may read it may execute it, as with `chmod +x` and git.
        FileMode::Executable => bits | (bits & 0o444) >> 2,
        _ if bits & 0o100 == 0 => bits,
        _ => bits & !0o111,
    }
}

/// All parent folders of the files for which `is_one` returns true.
fn parents(changes: &ChangeSet, is_one: impl Fn(&ChangedFile) -> bool) -> BTreeSet<&Path> {
    let files = changes.entries.iter().filter(|change| is_one(change));
    let folders = files.flat_map(|change| change.path.as_path().ancestors().skip(1));
    folders.filter(|folder| !folder.as_os_str().is_empty()).collect()
}

fn planned(path: &Path, bits: Option<u32>) -> Option<PlannedFolder> {
    Some(PlannedFolder { path: RelPath::from_path(path).ok()?, bits })
}

fn is_folder(tree: &Dir, path: &Path) -> bool {
    tree.symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

fn bits(tree: &Dir, path: &Path) -> Option<u32> {
    tree.symlink_metadata(path).ok().map(|about| about.mode() & 0o7777)
}

fn staging() -> RelPath {
    let name = format!(".kcode-apply-{:016x}", fastrand::u64(..));
    #[expect(clippy::expect_used, reason = "letters and digits are a path")]
    RelPath::new(&name).expect("a path")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use cap_std::ambient_authority;

    use super::*;
    use crate::journal::Digest;
    use crate::workspace::FileState;

    #[test]
    fn whoever_may_read_a_file_may_run_it_when_it_becomes_executable() {
        use FileMode::{Executable, Regular};
        for (bits, mode, expected) in [
            (0o644, Executable, 0o755),
            (0o600, Executable, 0o700),
            (0o640, Executable, 0o750),
            (0o700, Executable, 0o700),
            (0o744, Executable, 0o744),
            (0o755, Regular, 0o644),
            (0o700, Regular, 0o600),
            (0o600, Regular, 0o600),
            (0o654, Regular, 0o654),
        ] {
            assert_eq!(permissions(bits, mode), expected, "{bits:o} {mode:?}");
        }
    }

    #[test]
    fn a_new_content_does_not_run_as_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).unwrap();
        let tree = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        let state = |text| FileState { mode: FileMode::Executable, sha256: Digest::of(text) };
        let path = RelPath::new("tool").unwrap();
        let change = ChangedFile { path, before: Some(state("old")), after: Some(state("new")) };
        let planned = PlannedFile::of(&tree, &change);
        assert_eq!((planned.bits_before, planned.bits_after), (Some(0o6755), Some(0o755)));
    }
}
