//! Cache of what retention passes found out about runs. A pass with a time limit of 50 ms examines runs that it doesn't
//! know and continues where the last one ended. Without the cache, the next passes examine all runs again.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::journal::{RunId, read_own};

const SCHEMA: &str = "kcode.known-runs/1";
/// Most bytes read of the file; a run takes about sixty.
const LARGEST: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownRun {
    /// Time of the last event, in milliseconds since 1970.
    pub(super) changed_ms: u64,
    /// Size of the run's folder on the disk in bytes.
    pub(super) bytes: u64,
    /// Short hash of the repository's path; `None` if the journal can't be read.
    pub(super) repository: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownRuns {
    schema: String,
    /// By run id.
    pub(super) runs: HashMap<String, KnownRun>,
    /// The first run that the next pass considers among those beyond a limit.
    pub(super) next: Option<RunId>,
}

impl KnownRuns {
    /// Loads the cache below `state`; empty if it can't be read.
    pub(super) fn load(state: &Path) -> Self {
        let kept = read_own(&file(state), LARGEST).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        kept.filter(|kept| kept.schema == SCHEMA).unwrap_or_default()
    }

    /// Replaces the file atomically.
    ///
    /// # Errors
    /// When the state folder can't be written; the next pass then knows less.
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
