//! Test results of the state that a run started from, kept for the next run on the same state.
//!
//! The key holds everything known to affect the results: the tree's id, the command, and its environment
//! (`surroundings.rs`). Only results of single tests are kept: a run that failed before any test ran says nothing about
//! the tree, and passes once something is installed. The folder can be deleted at any time.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::surroundings::Surroundings;
use crate::journal::{Digest, TestResults, TestsRan, read_own};
use crate::settings::TestCommand;

const SCHEMA: &str = "kcode.baseline/2";
/// Number of baselines kept; one of a thousand tests takes about 60 KB.
const MOST: usize = 100;
/// Older baselines are measured anew, since machines change in ways that the key doesn't cover.
pub(super) const LONGEST: Duration = Duration::from_hours(168);

/// Runs of the test command on the start state, all on the same tree; more than one if the first failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    schema: String,
    /// Runs in the order in which they ran.
    pub runs: Vec<BaselineRun>,
}

/// One run of a [`Baseline`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineRun {
    /// The run's journal event.
    pub ran: TestsRan,
    /// Results of single tests, `None` if the runner's format is unknown. If only failed tests were repeated, this
    /// includes the results of the run before.
    pub results: Option<TestResults>,
    /// Whether the model asked for the run, in which case the journal already has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_own: bool,
}

impl Baseline {
    /// Creates a baseline of these runs.
    #[must_use]
    pub fn new(runs: Vec<BaselineRun>) -> Self {
        Self { schema: SCHEMA.to_owned(), runs }
    }

    /// Marks all runs as cached: measured by an earlier run, whose logs aren't here.
    #[must_use]
    pub fn cached(mut self) -> Self {
        for run in &mut self.runs {
            (run.ran.cached, run.ran.log) = (true, String::new());
            (run.ran.counted, run.is_own) = (None, false);
        }
        self
    }

    /// Whether another run would give the same: each run ended by itself and reported its tests.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        let told = |results: &TestResults| results.complete && !results.tests.is_empty();
        let ended = |ran: &TestsRan| ran.result.stopped.is_none() && ran.result.exit_code.is_some();
        let mut whole = self.runs.iter().filter(|run| !run.ran.only_failed || run.results.is_some()).peekable();
        whole.peek().is_some() && whole.all(|run| ended(&run.ran) && run.results.as_ref().is_some_and(told))
    }

    /// Whether it was measured by an earlier run.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.runs.iter().any(|run| run.ran.cached)
    }

    /// Whether `after` has tests that no run here reported.
    #[must_use]
    pub fn lacks_any_of(&self, after: &[TestResults]) -> bool {
        let is_known =
            |name: &Arc<str>| self.runs.iter().flat_map(|run| &run.results).any(|r| r.tests.contains_key(name));
        after.iter().flat_map(|results| results.tests.keys()).any(|name| !is_known(name))
    }

    /// Returns the results of the runs that reported single tests.
    #[must_use]
    pub fn results(&self) -> Vec<TestResults> {
        self.runs.iter().filter_map(|run| run.results.clone()).collect()
    }
}

/// Digest under which a baseline is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineKey(Digest);

impl BaselineKey {
    /// Makes the key for `command` on the tree `tree` (git's id) in these surroundings, in a sandbox with the policy
    /// `policy`. `None` if the surroundings can't be compared with those of another run. Blocks.
    #[must_use]
    pub fn new(tree: &str, command: &TestCommand, surroundings: &Surroundings<'_>, policy: &str) -> Option<Self> {
        // The format may change: another version of kcode measures anew.
        Some(Self(Digest::of(format!(
            "{}\0{}\0{tree}\0{command:?}\0{policy}\0{}",
            env!("CARGO_PKG_VERSION"),
            surroundings.root.display(),
            surroundings.digest(command)?,
        ))))
    }
}

/// Largest baseline in bytes; one test takes about a hundred.
const LARGEST: u64 = 64 << 20;

/// Lock on measuring a baseline; released when dropped or when its process dies.
#[derive(Debug)]
pub struct BaselineLock {
    path: PathBuf,
    _locked: File,
}

impl Drop for BaselineLock {
    fn drop(&mut self) {
        // Waiting processes reopen the file each time. A file that is left behind becomes stale.
        drop(fs::remove_file(&self.path));
    }
}

/// The folder that holds the baselines.
#[derive(Clone, Debug)]
pub struct Baselines {
    folder: PathBuf,
}

impl Baselines {
    /// Uses the folder `baselines` in kcode's state folder.
    #[must_use]
    pub fn in_state(state: &Path) -> Self {
        Self { folder: state.join("baselines") }
    }

    /// Returns the baseline kept under this key, unless it is too old.
    #[must_use]
    pub fn find(&self, key: &BaselineKey) -> Option<Baseline> {
        let file = self.file(key);
        let age = fs::metadata(&file).ok()?.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let mut known: Baseline = serde_json::from_slice(&read_own(&file, LARGEST).ok()?).ok()?;
        known.runs.iter_mut().flat_map(|run| &mut run.results).for_each(TestResults::share_names);
        (known.schema == SCHEMA && age.is_none_or(|age| age < LONGEST)).then_some(known)
    }

    /// Claims the right to measure under this key; `None` while another process holds it.
    ///
    /// # Errors
    /// If the lock file can't be made or locked; the caller then measures without it.
    pub fn claim(&self, key: &BaselineKey) -> io::Result<Option<BaselineLock>> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{}.lock", key.0));
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let file = File::options().write(true).create(true).truncate(false).custom_flags(flags).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(BaselineLock { path, _locked: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Keeps a baseline, and removes the oldest if there are too many.
    ///
    /// # Errors
    /// If the folder can't be written; the run doesn't depend on it.
    pub fn keep(&self, key: &BaselineKey, baseline: &Baseline) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        let mut writer = BufWriter::new(&mut file);
        serde_json::to_writer(&mut writer, baseline)?;
        writer.flush()?;
        drop(writer);
        file.persist(self.file(key)).map_err(|error| error.error)?;
        self.forget_oldest()
    }

    /// Lists the files that [`Baselines::find`] no longer accepts, with their sizes in bytes.
    ///
    /// # Errors
    /// If the folder can't be read; a missing folder has none.
    pub fn stale(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let is_old = |about: &fs::Metadata| {
            about.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= LONGEST)
        };
        let about = entries.filter_map(|entry| Some((entry.as_ref().ok()?.path(), entry.ok()?.metadata().ok()?)));
        Ok(about.filter(|(_, about)| is_old(about)).map(|(path, about)| (path, about.len())).collect())
    }

    fn file(&self, key: &BaselineKey) -> PathBuf {
        self.folder.join(format!("{}.json", key.0))
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let mut all: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.folder)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
            })
            .collect();
        all.sort();
        let too_many = all.len().saturating_sub(MOST);
        // Another process may have removed it already.
        all.iter().take(too_many).for_each(|(_, path)| drop(fs::remove_file(path)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn command() -> TestCommand {
        TestCommand::shell("sh run-tests")
    }

    #[test]
    fn one_measures_at_a_time_and_gives_its_turn_up() {
        let (root, around) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let surroundings = Surroundings { root: around.path(), tree: &HashSet::new(), variables: &[], readable: &[] };
        let key = |tree| BaselineKey::new(tree, &command(), &surroundings, "auto").unwrap();
        let (kept, other) = (Baselines::in_state(root.path()), Baselines::in_state(root.path()));
        let turn = kept.claim(&key("t1")).unwrap();
        assert!(turn.is_some() && other.claim(&key("t1")).unwrap().is_none());
        assert!(other.claim(&key("t2")).unwrap().is_some(), "another tree");
        drop(turn);
        assert!(other.claim(&key("t1")).unwrap().is_some());
        assert_eq!(fs::read_dir(root.path().join("baselines")).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn what_has_a_say_changes_the_key() {
        let root = tempfile::tempdir().expect("a folder");
        let key = |tree: &str, command: &TestCommand, policy: &str| {
            let surroundings = Surroundings { root: root.path(), tree: &HashSet::new(), variables: &[], readable: &[] };
            BaselineKey::new(tree, command, &surroundings, policy).unwrap().0
        };
        let first = key("t1", &command(), "auto");
        assert_eq!(key("t1", &command(), "auto"), first);
        assert_ne!(key("t2", &command(), "auto"), first);
        assert_ne!(key("t1", &command(), "off"), first);
        assert_ne!(key("t1", &TestCommand::shell("make check"), "auto"), first);
        fs::create_dir(root.path().join("node_modules")).expect("a folder");
        assert_ne!(key("t1", &command(), "auto"), first, "dependencies were installed");
    }

    /// A run that ended with this exit code and told of these tests.
    fn run(exit_code: i32, tests: &[&str], complete: bool) -> BaselineRun {
        let ran = serde_json::json!({
            "purpose": "baseline", "command": "make", "passed": exit_code == 0, "exit_code": exit_code, "stopped": null,
            "counts": null, "ms": 1, "log": "tests-1.log", "patch_sha256": null,
        });
        let case = serde_json::json!({"verdict": "passed"});
        let tests: serde_json::Map<_, _> = tests.iter().map(|name| ((*name).to_owned(), case.clone())).collect();
        let results = serde_json::json!({"source": "", "tests": tests, "complete": complete});
        serde_json::from_value(serde_json::json!({"ran": ran, "results": results})).expect("a run")
    }

    #[test]
    fn only_what_was_told_test_by_test_is_kept() {
        let is_lasting = |runs: Vec<BaselineRun>| Baseline::new(runs).is_lasting();
        assert!(is_lasting(vec![run(0, &["a"], true)]) && is_lasting(vec![run(1, &["a"], true), run(1, &["a"], true)]));
        assert!(
            !is_lasting(vec![]) && !is_lasting(vec![run(101, &[], true)]) && !is_lasting(vec![run(1, &["a"], false)])
        );
        assert!(!is_lasting(vec![BaselineRun { results: None, ..run(127, &[], true) }]));
        assert!(!is_lasting(vec![run(1, &["a"], true), run(101, &[], true)]));
    }

    #[test]
    fn what_it_lacks_is_told() {
        let known = Baseline::new(vec![run(1, &["a"], true), run(1, &["b"], true)]);
        let after = |names: &[&str]| run(0, names, true).results.into_iter().collect::<Vec<_>>();
        assert!(!known.lacks_any_of(&after(&["a", "b"])) && !known.lacks_any_of(&[]));
        assert!(known.lacks_any_of(&after(&["a", "c"])) && Baseline::new(vec![]).lacks_any_of(&after(&["a"])));
        assert!(known.clone().cached().is_cached() && !known.is_cached());
    }

    #[test]
    fn it_is_found_again_until_others_push_it_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Baselines::in_state(folder.path());
        let key = |tree: usize| BaselineKey(Digest::of(tree.to_string()));
        let baseline = Baseline::new(vec![]);
        assert_eq!(kept.find(&key(0)), None);
        kept.keep(&key(0), &baseline).expect("it can be written");
        assert_eq!(kept.find(&key(0)), Some(baseline.clone()));
        for tree in 1..=MOST {
            kept.keep(&key(tree), &baseline).expect("it can be written");
        }
        let left = fs::read_dir(folder.path().join("baselines")).expect("the folder").count();
        assert_eq!(left, MOST);
        fs::write(kept.file(&key(MOST)), "{\"schema\":\"kcode.baseline/1\",\"runs\":[]}").expect("a file");
        assert_eq!(kept.find(&key(MOST)), None, "another version's");
    }
}
