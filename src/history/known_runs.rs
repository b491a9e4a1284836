//! What passes of the retention found out of runs, kept between them: a pass that has 50 ms looks at runs that it doesn't know, and
//! goes on where the last one ended. A cache: whoever deletes it has the next passes look at all runs anew.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::journal::{RunId, read_own};

const SCHEMA: &str = "kcode.known-runs/1";
/// Of the file; a run takes some sixty bytes.
const LARGEST: u64 = 64 << 20;

/// What is known of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownRun {
    /// When its last event was written, in milliseconds since 1970.
    pub(super) changed_ms: u64,
    /// What its folder takes on the disk.
    pub(super) bytes: u64,
    /// The first characters of a hash of its repository's path; `None` when its journal can't be read.
    pub(super) repository: Option<String>,
}

/// What is known of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownRuns {
    schema: String,
    /// By their ids.
    pub(super) runs: HashMap<String, KnownRun>,
    /// The run with which the next pass begins among those that are beyond a limit.
    pub(super) next: Option<RunId>,
}

impl KnownRuns {
    /// What is kept below `state`; nothing where that can't be read.
    pub(super) fn load(state: &Path) -> Self {
        let kept = read_own(&file(state), LARGEST).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        kept.filter(|kept| kept.schema == SCHEMA).unwrap_or_default()
    }

    /// Replaces the file in one step.
    ///
    /// # Errors
    /// When the state folder can't be written; the next pass knows less, then.
    pub(super) fn save(&mut self, state: &Path) -> io::Result<()> {
        SCHEMA.clone_into(&mut self.schema);
        let mut file = NamedTempFile::new_in(state)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.persist(self::file(state)).map_err(|error| error.error)?;
        Ok(())
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("known-runs.json")
}
