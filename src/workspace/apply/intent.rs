//! What a process is about to write to the user's tree, stored on disk before it writes, so that the next process can
//! finish or undo it.
//!
//! All intents of a state folder are in one folder beside its runs (`unfinished/`), so that checking for some costs
//! every command one look into an empty folder. When all is done, an intent to apply is renamed to the run's
//! `applied.json`, which undo reads.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Doing;
use super::plan::Plan;
use crate::journal::{RUN_FILE_LIMIT, RunFolder, RunId, read_own};
use crate::workspace::{GitRecording, remove_tree};

const INTENT_SCHEMA: &str = "kcode.intent/1";

/// An operation on the user's tree, serialised to `unfinished/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    schema: String,
    /// Run whose patch is written.
    pub run: RunId,
    pub doing: Doing,
    pub root: PathBuf,
    pub plan: Plan,
    /// What git records after the files are written.
    pub recording: Option<GitRecording>,
}

impl Intent {
    pub(super) fn new(run: &RunId, doing: Doing, root: &Path, plan: Plan) -> Self {
        let schema = INTENT_SCHEMA.to_owned();
        Self { schema, run: run.clone(), doing, root: root.to_owned(), plan, recording: None }
    }

    /// Saves it durably where the next process looks.
    pub(super) fn save(&self, run: &RunFolder) -> io::Result<()> {
        let (path, new) = (run.unfinished(), unfinished_new(run));
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = File::create(&new)?;
        let written = file.write_all(&serde_json::to_vec_pretty(self)?).and_then(|()| file.sync_all());
        written.and_then(|()| fs::rename(&new, &path)).inspect_err(|_| drop(fs::remove_file(&new)))?;
        // A newly created folder is a name in its parent, which needs a sync too.
        folder.ancestors().take(2).try_for_each(|folder| File::open(folder)?.sync_all())
    }

    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let intent: Self = serde_json::from_slice(&read_own(path, RUN_FILE_LIMIT)?)?;
        if intent.schema == INTENT_SCHEMA {
            return Ok(intent);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is of another version", path.display())))
    }

    /// Ends the operation as done.
    pub(super) fn fulfil(&self, run: &RunFolder) -> io::Result<()> {
        self.let_go(run);
        match self.doing {
            Doing::Apply => fs::rename(run.unfinished(), run.applied()),
            Doing::Undo => {
                drop(fs::remove_file(run.applied()));
                fs::remove_file(run.unfinished())
            }
        }
    }

    /// Ends the operation as not done.
    pub(super) fn forget(&self, run: &RunFolder) -> io::Result<()> {
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

/// Path of an intent while it is being written.
pub(super) fn unfinished_new(run: &RunFolder) -> PathBuf {
    run.unfinished().with_extension("new")
}
