//! Detects tests that need a copy of the tree instead of an overlay, because they rename a folder of it, which an
//! overlay mounted by an ordinary user can't do.
//!
//! Only the test gets the kernel's error (`EXDEV`), so that this is known once a test run failed with its message. From
//! then on views are copies, in this run and, for a week, in runs of the same command on the same tree.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::baseline::LONGEST;
use super::causes::{self, ends_of};
use crate::journal::{Digest, read_own};
use crate::settings::TestCommand;
use crate::tools::TestRun;

/// Why a view is a copy although an overlay is possible.
pub const RENAMES: &str = "the tests rename a folder of the tree, which an overlay can't";

/// Bytes read of a log; the worker keeps far less.
const LOG_BYTES: u64 = 256 << 20;

/// Whether views of a run must be copies although an overlay is possible. Clones share their state.
#[derive(Clone, Debug)]
pub struct Copies {
    needed: Arc<AtomicBool>,
    /// File in the state folder that records it for later runs.
    mark: PathBuf,
}

impl Copies {
    /// Reads what is known of `command` on the tree at `root`; the mark is next to the baselines in the state folder.
    #[must_use]
    pub fn of(state: &Path, root: &Path, command: Option<&TestCommand>) -> Self {
        let typed = command.and_then(|command| command.typed(&[]).ok()).unwrap_or_default();
        let folder = command.and_then(|command| command.dir.as_ref()).map(|dir| dir.as_str().to_owned());
        let name = Digest::of(format!("{}\0{typed}\0{folder:?}", root.display()).as_bytes());
        let mark = state.join("baselines").join(format!("{name}.copy"));
        let age = fs::symlink_metadata(&mark).and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
        Self { needed: Arc::new(AtomicBool::new(age.is_some_and(|age| age < LONGEST))), mark }
    }

    /// Whether views must be copies.
    #[must_use]
    pub fn are_needed(&self) -> bool {
        self.needed.load(Ordering::Relaxed)
    }

    /// Whether a command that ran in an overlay `failed` because of it; if so, views are copies from now on.
    pub fn begin_if(&self, in_overlay: bool, failed: impl FnOnce() -> bool) -> bool {
        let begins = in_overlay && !self.are_needed() && failed();
        if begins {
            self.ask();
        }
        begins
    }

    /// Makes views copies from now on. If that can't be recorded, the next run detects it anew.
    pub fn ask(&self) {
        self.needed.store(true, Ordering::Relaxed);
        if let Some(folder) = self.mark.parent() {
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        }
        let _ = fs::write(&self.mark, "");
    }

    /// Removes the record after a copy didn't help, so that the next run begins with an overlay.
    pub fn forget(&self) {
        let _ = fs::remove_file(&self.mark);
    }
}

/// Whether `run`, whose log is in the folder `logs`, failed because a rename was refused.
#[must_use]
pub fn failed_to_rename(run: &TestRun, logs: &Path) -> bool {
    if run.passed() || run.stopped.is_some() || run.log.is_empty() {
        return false;
    }
    tells_of_renaming(&logs.join(&run.log))
}

/// Whether the log at this path reports a refused rename.
#[must_use]
pub fn tells_of_renaming(log: &Path) -> bool {
    let log = read_own(log, LOG_BYTES).unwrap_or_default();
    causes::tells_of_renaming(&ends_of(&String::from_utf8_lossy(&log)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_many_languages_are_known() {
        let run = TestRun { exit_code: Some(1), log: "log".to_owned(), ..TestRun::default() };
        let logs = tempfile::tempdir().unwrap();
        let says = |line: &str| {
            fs::write(logs.path().join("log"), format!("before\n{line}\nafter\n")).unwrap();
            failed_to_rename(&run, logs.path())
        };
        for line in [
            "OSError: [Errno 18] Invalid cross-device link: 'a' -> 'b'",
            "Error: EXDEV: cross-device link not permitted, rename 'a' -> 'b'",
            "rename a b: invalid cross-device link",
            "Os { code: 18, kind: CrossesDevices, message: \"Invalid cross-device link\" }",
            "called `Result::unwrap()` on an `Err` value: Cross-device link (os error 18)",
            "Errno::EXDEV: Invalid cross-device link @ rb_file_s_rename - (a, b)",
            "rename: Cross-device link",
            "error.RenameAcrossMountPoints",
            "System.IO.IOException: Source and destination path must have identical roots. Move will not work across volumes.",
            "PHP Warning:  rename(): The first argument to copy() function cannot be a directory",
            "errno 18",
            "** (File.RenameError) could not rename from \"a\" to \"b\": cross-domain link",
        ] {
            assert!(says(line), "{line}");
        }
        for line in ["18 tests failed", "error 18", "errno 180", "code: 18"] {
            assert!(!says(line), "{line}");
        }
        assert!(!failed_to_rename(&TestRun { exit_code: Some(0), ..run.clone() }, logs.path()));
    }

    #[test]
    fn it_is_remembered_for_the_command_on_the_tree() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (TestCommand::argv(["a".to_owned()]), TestCommand::argv(["b".to_owned()]));
        let of = |root: &str, command: &TestCommand| Copies::of(state.path(), Path::new(root), Some(command));
        let copies = of("/tree", &one);
        assert!(!copies.are_needed());
        copies.ask();
        assert!(copies.clone().are_needed() && of("/tree", &one).are_needed());
        assert!(!of("/tree", &other).are_needed() && !of("/other", &one).are_needed());
        copies.forget();
        assert!(!of("/tree", &one).are_needed());
    }
}
