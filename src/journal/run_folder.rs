//! The folder of a run: `journal.jsonl patch.diff report.json report.md logs/`, and the private view while it is
//! needed.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::RunId;

/// The folder of one run. Only its owner can enter it, because the view holds a copy of private code.
#[derive(Clone, Debug)]
pub struct RunFolder {
    id: RunId,
    path: PathBuf,
}

/// Errors of finding a run by the beginning of its id.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No id begins like this.
    #[error("there is no run {0:?}")]
    None(String),
    /// Several ids begin like this.
    #[error("{prefix:?} begins the names of {count} runs")]
    Ambiguous {
        /// The text that was given.
        prefix: String,
        /// Number of matching runs.
        count: usize,
    },
    /// The state folder can't be read.
    #[error("{path} can't be read: {source}")]
    Unreadable {
        /// Path of the state folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl RunFolder {
    /// Name of the file with each test's result; `kcode verify` also looks for it beside a report that was moved
    /// elsewhere.
    pub const RESULTS: &str = "results.json";
    /// Name of the patch file; looked for in the same places.
    pub const PATCH: &str = "patch.diff";

    /// Creates the empty folder of a new run below `state`.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub fn create(state: &Path) -> io::Result<Self> {
        let id = RunId::random();
        DirBuilder::new().recursive(true).mode(0o700).create(state.join(RUNS))?;
        let path = runs(state).join(id.as_str());
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { id, path })
    }

    /// The folder of a run below `state`, whether or not it exists.
    #[must_use]
    pub fn at(state: &Path, id: &RunId) -> Self {
        Self { id: id.clone(), path: runs(state).join(id.as_str()) }
    }

    /// Creates the folders that a run needs while it runs.
    ///
    /// # Errors
    /// When a folder can't be created.
    pub fn renew(&self) -> io::Result<()> {
        for part in [self.logs(), self.scratch()] {
            DirBuilder::new().recursive(true).mode(0o700).create(part)?;
        }
        Ok(())
    }

    /// Paths that exist only while the run runs, and after it was killed.
    #[must_use]
    pub fn passing(&self) -> [PathBuf; 5] {
        [self.view(), self.overlay(), self.scratch(), self.trials(), self.tree()]
    }

    /// Temporary files that a killed process was about to rename into place.
    #[must_use]
    pub fn drafts(&self) -> Vec<PathBuf> {
        let is_draft = |name: &OsStr| name.as_encoded_bytes().starts_with(b".tmp");
        let entries = [&self.path, &self.blobs()].map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        entries.into_iter().flatten().filter(|entry| is_draft(&entry.file_name())).map(|entry| entry.path()).collect()
    }

    /// Finds the run whose id is or begins with `prefix`.
    ///
    /// # Errors
    /// When there is no such run, or more than one.
    pub fn find(state: &Path, prefix: &str) -> Result<Self, FindError> {
        let mut found: Vec<_> =
            Self::all(state)?.into_iter().filter(|run| run.id.as_str().starts_with(prefix)).collect();
        match (found.pop(), found.len()) {
            (Some(run), 0) => Ok(run),
            (Some(_), others) => Err(FindError::Ambiguous { prefix: prefix.to_owned(), count: others + 1 }),
            (None, _) => Err(FindError::None(prefix.to_owned())),
        }
    }

    /// Lists all runs below `state`, newest first.
    ///
    /// # Errors
    /// When the folder can't be read. A missing folder holds no runs.
    pub fn all(state: &Path) -> Result<Vec<Self>, FindError> {
        let made = |run: Self| {
            // A folder without a journal never became a run.
            let about = fs::symlink_metadata(run.journal()).ok()?;
            Some((about.created().or_else(|_| about.modified()).ok()?, run))
        };
        let mut found: Vec<_> = Self::named(state)?.into_iter().filter_map(made).collect();
        found.sort_by_key(|(made, _)| std::cmp::Reverse(*made));
        Ok(found.into_iter().map(|(_, run)| run).collect())
    }

    /// Lists every folder below `state` whose name is a run id, unordered, without looking inside.
    ///
    /// # Errors
    /// As [`RunFolder::all`].
    pub fn named(state: &Path) -> Result<Vec<Self>, FindError> {
        let unreadable = |source| FindError::Unreadable { path: runs(state), source };
        let entries = match fs::read_dir(runs(state)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let Some(Ok(id)) = entry.file_name().to_str().map(str::parse) else { continue };
            // A symbolic link that somebody made leads to no run of ours.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            found.push(Self { id, path: entry.path() });
        }
        Ok(found)
    }

    /// The folder that holds all runs' folders below `state`.
    #[must_use]
    pub fn home(state: &Path) -> PathBuf {
        runs(state)
    }

    /// Folder of the records of unfinished writes to users' trees: one folder for all runs, so that checking is quick.
    #[must_use]
    pub fn unfinished_below(state: &Path) -> PathBuf {
        state.join("unfinished")
    }

    /// Id of the run.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of `journal.jsonl`.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Path of `patch.diff`, the current patch.
    #[must_use]
    pub fn patch(&self) -> PathBuf {
        self.path.join(Self::PATCH)
    }

    /// Path of the patch before it was minimized; exists only if it was.
    #[must_use]
    pub fn full_patch(&self) -> PathBuf {
        self.path.join("patch.full.diff")
    }

    /// Path of `report.json`.
    #[must_use]
    pub fn report_json(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Path of `report.md`.
    #[must_use]
    pub fn report_md(&self) -> PathBuf {
        self.path.join("report.md")
    }

    /// Path of the file with each test's result before and after.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.path.join(Self::RESULTS)
    }

    /// Folder with the full output of test runs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Home and temporary folder of test runs; removed when the run ends.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// The private view; removed when the run ends.
    #[must_use]
    pub fn view(&self) -> PathBuf {
        self.path.join("view")
    }

    /// The layers of an overlay view; removed when the run ends.
    #[must_use]
    pub fn overlay(&self) -> PathBuf {
        self.path.join("overlay")
    }

    /// Events of the earlier runs whose conversation this run continues.
    #[must_use]
    pub fn inherited(&self) -> PathBuf {
        self.path.join("inherited.jsonl")
    }

    /// The exact changes, for apply and undo.
    #[must_use]
    pub fn changes(&self) -> PathBuf {
        self.path.join("changes.json")
    }

    /// How exactly the patch was applied, for undo; exists only while it is applied.
    #[must_use]
    pub fn applied(&self) -> PathBuf {
        self.path.join("applied.json")
    }

    /// Record of a write to the user's tree with this run, until it is finished.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        let state = self.path.ancestors().nth(2).unwrap_or(Path::new(""));
        Self::unfinished_below(state).join(format!("{}.json", self.id))
    }

    /// Folder in which git's part of that write is prepared: new index files for staging and the commit.
    #[must_use]
    pub fn unfinished_git(&self) -> PathBuf {
        self.unfinished().with_extension("git")
    }

    /// Scratch folder for computing tree ids, while the run runs.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.path.join("tree")
    }

    /// Folder in which tests run beside the run, one subfolder each.
    #[must_use]
    pub fn trials(&self) -> PathBuf {
        self.path.join("trials")
    }

    /// Contents of changed files before and after, named by digest.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }
}

const RUNS: &str = "runs";

/// Resolves links as far as the folder exists: the sandbox knows its folders only by their resolved paths.
fn runs(state: &Path) -> PathBuf {
    let runs = state.join(RUNS);
    fs::canonicalize(&runs).unwrap_or(runs)
}
