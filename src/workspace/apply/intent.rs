//! What a process is about to write to the user's tree, on disk before it writes: so that the next one can put it right.
//!
//! All intents of a state folder lie in one folder beside its runs (`unfinished/`), so that looking for some costs every command
//! one look into a folder that is empty. When all is done, an intent to apply becomes the run's `applied.json`, in one rename: what
//! undo needs to know.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Doing;
use super::plan::Plan;
use crate::journal::{RUN_FILE_LIMIT, RunFolder, RunId, read_own};
use crate::workspace::{GitRecording, remove_tree};

const INTENT_SCHEMA: &str = "kcode.intent/1";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    schema: String,
    /// Whose patch.
    pub run: RunId,
    pub doing: Doing,
    /// The tree.
    pub root: PathBuf,
    pub plan: Plan,
    /// What git is told when the files are written.
    pub recording: Option<GitRecording>,
}

impl Intent {
    pub fn new(run: &RunId, doing: Doing, root: &Path, plan: Plan) -> Self {
        let schema = INTENT_SCHEMA.to_owned();
        Self { schema, run: run.clone(), doing, root: root.to_owned(), plan, recording: None }
    }

    /// Keeps it where the next process looks; durable on return.
    pub fn save(&self, run: &RunFolder) -> io::Result<()> {
        let (path, new) = (run.unfinished(), unfinished_new(run));
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = File::create(&new)?;
        let written = file.write_all(&serde_json::to_vec_pretty(self)?).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&new, &path)).inspect_err(|_| drop(fs::remove_file(&new)))?;
        // A folder that was just made is a name in the one above.
        folder.ancestors().take(2).try_for_each(|folder| File::open(folder)?.sync_all())
    }

    /// Reads one.
    pub fn load(path: &Path) -> io::Result<Self> {
        let intent: Self = serde_json::from_slice(&read_own(path, RUN_FILE_LIMIT)?)?;
        if intent.schema == INTENT_SCHEMA {
            return Ok(intent);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is of another version", path.display())))
    }

    /// All is done, and noted.
    pub fn fulfil(&self, run: &RunFolder) -> io::Result<()> {
        self.let_go(run);
        match self.doing {
            Doing::Apply => fs::rename(run.unfinished(), run.applied()),
            Doing::Undo => {
                drop(fs::remove_file(run.applied()));
                fs::remove_file(run.unfinished())
            }
        }
    }

    /// Nothing was done after all.
    pub fn forget(&self, run: &RunFolder) -> io::Result<()> {
        self.let_go(run);
        fs::remove_file(run.unfinished())
    }

    fn let_go(&self, run: &RunFolder) {
        if let Some(recording) = &self.recording {
            recording.abandon();
            drop(remove_tree(&run.unfinished_git()));
        }
    }
}

/// An intent that isn't whole yet.
pub(super) fn unfinished_new(run: &RunFolder) -> PathBuf {
    run.unfinished().with_extension("new")
}
