//! Summaries of all runs, read on all processors. An unreadable journal is listed and hides no other run.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::threads::on_all_processors;
use super::{RunSummary, summarise};
use crate::journal::{FindError, RUN_FILE_LIMIT, RunFolder, RunId, RunStarted, open_own, skim};

/// The first line holds the task. Most bytes read of it.
const MOST_FIRST_LINE: u64 = 16 << 20;

/// All runs below a state folder.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Runs, newest first.
    pub runs: Vec<RunSummary>,
    /// Runs whose journal can't be read.
    pub unreadable: Vec<Unreadable>,
}

/// A run whose journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// Id of the run.
    pub run: RunId,
    /// Its repository, if at least the first line of the journal can be read.
    pub repository: Option<String>,
    /// Why the journal can't be read.
    pub problem: String,
}

impl Catalogue {
    /// Reads every journal below `state`.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub fn read(state: &Path) -> Result<Self, FindError> {
        let folders = RunFolder::all(state)?;
        let mut all = Self::default();
        for read in on_all_processors(&folders, Vec::new, read_one) {
            match read {
                Ok(summary) => all.runs.extend(summary),
                Err(unreadable) => all.unreadable.push(unreadable),
            }
        }
        all.runs.sort_unstable_by(|a, b| (&b.started_at, b.run.as_str()).cmp(&(&a.started_at, a.run.as_str())));
        all.unreadable.sort_unstable_by(|a, b| a.run.as_str().cmp(b.run.as_str()));
        Ok(all)
    }
}

fn read_one(buffer: &mut Vec<u8>, folder: &RunFolder) -> Result<Option<RunSummary>, Unreadable> {
    read(folder, buffer).map_err(|error| Unreadable {
        run: folder.id().clone(),
        repository: beginning(folder).ok().flatten().map(|(_, started)| started.repository),
        problem: error.to_string(),
    })
}

/// Reads the summary of one run; `None` while its journal has no whole line.
///
/// # Errors
/// When the journal can't be read.
pub fn summary_of(folder: &RunFolder) -> io::Result<Option<RunSummary>> {
    read(folder, &mut Vec::new())
}

/// `None` for a journal without a whole line: the run is just starting, or never started.
fn read(folder: &RunFolder, buffer: &mut Vec<u8>) -> io::Result<Option<RunSummary>> {
    buffer.clear();
    open_own(&folder.journal())?.take(RUN_FILE_LIMIT).read_to_end(buffer)?;
    match summarise(buffer)? {
        None if buffer.contains(&b'\n') => Err(io::Error::new(io::ErrorKind::InvalidData, "the journal holds no run")),
        summary => Ok(summary),
    }
}

/// Reads time and event from the first line of a run's journal; `None` if it has no whole line.
///
/// # Errors
/// When the journal can't be read, or its first line is something else.
pub fn beginning(folder: &RunFolder) -> io::Result<Option<(String, RunStarted)>> {
    let mut line = Vec::new();
    BufReader::new(open_own(&folder.journal())?.take(MOST_FIRST_LINE)).read_until(b'\n', &mut line)?;
    let Some(first) = skim(&line).next().transpose()? else {
        let torn = || io::Error::new(io::ErrorKind::InvalidData, "the journal's first line is damaged");
        return if line.ends_with(b"\n") { Err(torn()) } else { Ok(None) };
    };
    Ok(first.read()?.map(|started| (first.at.to_owned(), started)))
}
