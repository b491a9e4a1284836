//! Where a run is kept: `journal.jsonl patch.diff report.json report.md logs/`, and the private view while it is needed.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::RunId;

/// The folder of one run. Only its owner can enter it: a view holds a copy of private code.
#[derive(Clone, Debug)]
pub struct RunFolder {
    id: RunId,
    path: PathBuf,
}

/// No run, or more than one, goes by a name.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// None.
    #[error("there is no run {0:?}")]
    None(String),
    /// Several.
    #[error("{prefix:?} begins the names of {count} runs")]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// How many.
        count: usize,
    },
    /// The state folder can't be read.
    #[error("{path} can't be read: {source}")]
    Unreadable {
        /// The state folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl RunFolder {
    /// The file of single results; it is found beside a report that was taken elsewhere, too.
    pub const RESULTS: &str = "results.json";
    /// The file of the patch, as above.
    pub const PATCH: &str = "patch.diff";

    /// Makes the folder of a new run below `state`, empty.
    ///
    /// # Errors
    /// When a folder can't be made.
    pub fn create(state: &Path) -> io::Result<Self> {
        let id = RunId::random();
        DirBuilder::new().recursive(true).mode(0o700).create(state.join(RUNS))?;
        let path = runs(state).join(id.as_str());
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { id, path })
    }

    /// The folder of a run below `state`, whether it is there or not.
    #[must_use]
    pub fn at(state: &Path, id: &RunId) -> Self {
        Self { id: id.clone(), path: runs(state).join(id.as_str()) }
    }

    /// Makes what a run needs while it runs.
    ///
    /// # Errors
    /// When a folder can't be made.
    pub fn renew(&self) -> io::Result<()> {
        for part in [self.logs(), self.scratch()] {
            DirBuilder::new().recursive(true).mode(0o700).create(part)?;
        }
        Ok(())
    }

    /// What is there only while the run runs; after a killed one, too.
    #[must_use]
    pub fn passing(&self) -> [PathBuf; 5] {
        [self.view(), self.overlay(), self.scratch(), self.trials(), self.tree()]
    }

    /// Files that a killed process was about to put in the place of others.
    #[must_use]
    pub fn drafts(&self) -> Vec<PathBuf> {
        let is_draft = |name: &OsStr| name.as_encoded_bytes().starts_with(b".tmp");
        let entries = [&self.path, &self.blobs()].map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        entries.into_iter().flatten().filter(|entry| is_draft(&entry.file_name())).map(|entry| entry.path()).collect()
    }

    /// The run whose id is or begins with `prefix`.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn find(state: &Path, prefix: &str) -> Result<Self, FindError> {
        let mut found: Vec<_> =
            Self::all(state)?.into_iter().filter(|run| run.id.as_str().starts_with(prefix)).collect();
        match (found.pop(), found.len()) {
            (Some(run), 0) => Ok(run),
            (Some(_), others) => Err(FindError::Ambiguous { prefix: prefix.to_owned(), count: others + 1 }),
            (None, _) => Err(FindError::None(prefix.to_owned())),
        }
    }

    /// Every run below `state`, newest first.
    ///
    /// # Errors
    /// When the folder can't be read; a folder that isn't there holds no runs.
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

    /// Every folder below `state` that is called as a run, in any order: nothing in them is looked at.
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
            // A link that somebody put there leads to no run of ours.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            found.push(Self { id, path: entry.path() });
        }
        Ok(found)
    }

    /// The folder that holds the folders of all runs below `state`.
    #[must_use]
    pub fn home(state: &Path) -> PathBuf {
        runs(state)
    }

    /// Where what was begun in users' trees is kept until it is done: one folder for all runs, so that it is quick to look.
    #[must_use]
    pub fn unfinished_below(state: &Path) -> PathBuf {
        state.join("unfinished")
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// The patch as it stands.
    #[must_use]
    pub fn patch(&self) -> PathBuf {
        self.path.join(Self::PATCH)
    }

    /// The patch before it was made smaller; only there when it was.
    #[must_use]
    pub fn full_patch(&self) -> PathBuf {
        self.path.join("patch.full.diff")
    }

    /// The report for programs.
    #[must_use]
    pub fn report_json(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// The report for people.
    #[must_use]
    pub fn report_md(&self) -> PathBuf {
        self.path.join("report.md")
    }

    /// What each test said before and after.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.path.join(Self::RESULTS)
    }

    /// Full output of test runs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Home and temporary files of test runs; gone when the run ends.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.path.join("scratch")
    }

    /// The private view; gone when the run ends.
    #[must_use]
    pub fn view(&self) -> PathBuf {
        self.path.join("view")
    }

    /// The layers of a private view that is an overlay; gone when the run ends.
    #[must_use]
    pub fn overlay(&self) -> PathBuf {
        self.path.join("overlay")
    }

    /// The events of the runs whose conversation this one goes on with.
    #[must_use]
    pub fn inherited(&self) -> PathBuf {
        self.path.join("inherited.jsonl")
    }

    /// What is exactly different, for apply and undo.
    #[must_use]
    pub fn changes(&self) -> PathBuf {
        self.path.join("changes.json")
    }

    /// How exactly it was applied, for undo; only while it is.
    #[must_use]
    pub fn applied(&self) -> PathBuf {
        self.path.join("applied.json")
    }

    /// What is being done to the user's tree with this run, until it is done.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        let state = self.path.ancestors().nth(2).unwrap_or(Path::new(""));
        Self::unfinished_below(state).join(format!("{}.json", self.id))
    }

    /// What git is going to be told, while it is made.
    #[must_use]
    pub fn unfinished_git(&self) -> PathBuf {
        self.unfinished().with_extension("git")
    }

    /// What is used to tell the ids of trees, while the run runs.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.path.join("tree")
    }

    /// Where tests run beside the run, each in a folder of its own.
    #[must_use]
    pub fn trials(&self) -> PathBuf {
        self.path.join("trials")
    }

    /// Contents of changed files, before and after, by their hash.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }
}

const RUNS: &str = "runs";

/// Without links, as far as it is there: a sandbox knows its folders by no other name.
fn runs(state: &Path) -> PathBuf {
    let runs = state.join(RUNS);
    fs::canonicalize(&runs).unwrap_or(runs)
}
