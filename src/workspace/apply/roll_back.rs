//! Takes a plan back from any point.
//!
//! The state of the tree decides what was done, not the memory of a process: the same code serves a failed step, a
//! killed process and a power loss. A file in neither its old nor its new state is somebody else's, and stays.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, Permissions, PermissionsExt as _};

use super::plan::{Plan, PlannedFile};
use super::write::stage;
use crate::journal::{RelPath, crash};
use crate::workspace::file_state::{self, PathState};
use crate::workspace::{Blobs, FileState};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Returned {
    /// Files that somebody changed meanwhile; they were left as they are.
    pub theirs: Vec<RelPath>,
    /// Files that could not be restored, each with the reason.
    pub stuck: Vec<String>,
}

impl Returned {
    fn note(&mut self, file: &PlannedFile, step: io::Result<RollBackStep>) {
        match step {
            Ok(RollBackStep::Done) => {}
            Ok(RollBackStep::Theirs) => self.theirs.push(file.change.path.clone()),
            Err(error) => self.stuck.push(format!("{} ({error})", file.change.path)),
        }
        crash::point("file taken back");
    }
}

enum RollBackStep {
    Done,
    Theirs,
}

impl Plan {
    /// Restores everything that the plan changed. The staging folder stays.
    pub(super) fn roll_back(&self, tree: &Dir, blobs: &Blobs) -> Returned {
        let mut returned = Returned::default();
        let files = || self.files.iter().enumerate().rev();
        for (_, file) in files().filter(|(_, file)| file.change.before.is_none()) {
            returned.note(file, take_out(tree, file));
        }
        for folder in self.make.iter().rev() {
            // Fails, and the folder stays, when somebody put something into it meanwhile.
            drop(tree.remove_dir(folder.path.as_path()));
            crash::point("folder taken back");
        }
        for folder in self.remove.iter().rev() {
            let path = folder.path.as_path();
            if tree.create_dir(path).is_ok() {
                let bits = folder.bits.map(Permissions::from_mode);
                drop(bits.map(|bits| tree.set_permissions(path, bits)));
            }
            crash::point("folder brought back");
        }
        for (index, file) in files() {
            if let Some(before) = file.change.before {
                returned.note(file, self.bring_back(tree, blobs, index, before));
            }
        }
        drop(self.sync_all(tree));
        returned
    }

    /// Restores the old content where nothing or the new content is.
    fn bring_back(&self, tree: &Dir, blobs: &Blobs, index: usize, before: FileState) -> io::Result<RollBackStep> {
        let file = &self.files[index];
        let path = file.change.path.as_path();
        match state(tree, path)? {
            Some(now) if now == before => return Ok(RollBackStep::Done),
            Some(now) if Some(now) != file.change.after => return Ok(RollBackStep::Theirs),
            _ => {}
        }
        // A file that was moved aside is whole and the last content of the path, also when somebody saved it at that
        // moment.
        let old = self.staged("old", index);
        if let Ok(Some(kept)) = state(tree, &old) {
            let step = if kept == before { RollBackStep::Done } else { RollBackStep::Theirs };
            return tree.rename(&old, tree, path).map(|()| step);
        }
        let back = self.staged("back", index);
        let _ = tree.create_dir(self.staging.as_path());
        let _ = tree.remove_file(&back);
        stage(tree, &back, before, &blobs.read(before.sha256)?, file.bits_before)?;
        tree.rename(&back, tree, path).map(|()| RollBackStep::Done)
    }
}

/// Removes a new content; anything else at its path isn't ours.
fn take_out(tree: &Dir, file: &PlannedFile) -> io::Result<RollBackStep> {
    let path = file.change.path.as_path();
    match state(tree, path) {
        Ok(now @ Some(_)) if now == file.change.after => tree.remove_file(path).map(|()| RollBackStep::Done),
        Ok(Some(_)) => Ok(RollBackStep::Theirs),
        _ => Ok(RollBackStep::Done),
    }
}

/// State of the file at `path`; a folder or a device is an error.
fn state(tree: &Dir, path: &Path) -> io::Result<Option<FileState>> {
    match file_state::look(tree, path)? {
        PathState::Folder => Err(io::Error::other("a folder is there")),
        PathState::Special => Err(io::Error::other("not a file")),
        PathState::Nothing | PathState::File(..) => file_state::state(tree, path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use cap_std::ambient_authority;

    use super::*;
    use crate::workspace::{ChangeSet, ChangedFile, FileMode};

    /// A tree with `kept` (0600) and `gone`, and a plan that changes the first, removes the second and creates `new`.
    struct Tree {
        root: tempfile::TempDir,
        opened: Dir,
        blobs: Blobs,
        plan: Plan,
    }

    impl Tree {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let blobs = Blobs::at(&root.path().join("blobs"));
            for (name, bits) in [("kept", 0o600), ("gone", 0o640)] {
                fs::write(root.path().join(name), "old").unwrap();
                fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(bits)).unwrap();
            }
            let state =
                |text: &str| Some(FileState { mode: FileMode::Regular, sha256: blobs.keep(text.as_bytes()).unwrap() });
            let change = |path, before, after| ChangedFile { path: RelPath::new(path).unwrap(), before, after };
            let changes = ChangeSet::new(vec![
                change("gone", state("old"), None),
                change("kept", state("old"), state("new")),
                change("new", None, state("new")),
            ]);
            let opened = Dir::open_ambient_dir(root.path(), ambient_authority()).unwrap();
            let plan = Plan::of(&opened, &changes);
            Self { root, opened, blobs, plan }
        }

        /// A tree where the plan was carried out and the staging folder removed.
        fn written() -> Self {
            let it = Self::new();
            it.plan.write(&it.opened, &it.blobs, super::super::Doing::Apply).unwrap();
            it.plan.clear(&it.opened);
            it
        }

        /// A tree where the plan was carried out and the replaced contents are still staged.
        fn just_written() -> Self {
            let it = Self::new();
            it.plan.write(&it.opened, &it.blobs, super::super::Doing::Apply).unwrap();
            it
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.root.path().join(name)
        }

        /// Content and permission bits of a file.
        fn found(&self, name: &str) -> Option<(String, u32)> {
            let bits = fs::metadata(self.path(name)).ok()?.permissions().mode() & 0o7777;
            Some((fs::read_to_string(self.path(name)).unwrap(), bits))
        }

        fn roll_back(&self) -> Vec<String> {
            let Returned { theirs, stuck } = self.plan.roll_back(&self.opened, &self.blobs);
            assert_eq!(stuck, [""; 0]);
            theirs.iter().map(ToString::to_string).collect()
        }
    }

    fn old(bits: u32) -> (String, u32) {
        ("old".to_owned(), bits)
    }

    #[test]
    fn everything_comes_back_with_its_permissions() {
        for it in [Tree::written(), Tree::just_written()] {
            assert_eq!(it.found("kept"), Some(("new".to_owned(), 0o600)));
            assert_eq!(it.roll_back(), [""; 0]);
            assert_eq!(
                (it.found("kept"), it.found("gone"), it.found("new")),
                (Some(old(0o600)), Some(old(0o640)), None)
            );
        }
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays_and_is_named() {
        for it in [Tree::written(), Tree::just_written()] {
            for name in ["new", "kept", "gone"] {
                fs::write(it.path(name), "theirs").unwrap();
            }
            assert_eq!(it.roll_back(), ["new", "kept", "gone"]);
            for name in ["new", "kept", "gone"] {
                assert_eq!(fs::read_to_string(it.path(name)).unwrap(), "theirs", "{name}");
            }
        }
    }

    #[test]
    fn what_was_saved_while_the_file_was_moved_aside_comes_back_and_is_named() {
        let it = Tree::just_written();
        let index = it.plan.files.iter().position(|file| file.change.path.as_path() == Path::new("kept")).unwrap();
        fs::write(it.root.path().join(it.plan.staged("old", index)), "saved at that moment").unwrap();
        assert_eq!(it.roll_back(), ["kept"]);
        assert_eq!(it.found("kept").unwrap().0, "saved at that moment");
        assert_eq!((it.found("gone"), it.found("new")), (Some(old(0o640)), None));
    }
}
