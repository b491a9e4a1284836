//! Handles what a process left that died while it wrote to a tree: finishes it when the journal says that it was done,
//! else takes it back.

use std::fs;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::Doing;
use super::intent::{Intent, unfinished_new};
use super::roll_back::Returned;
use super::transaction::lock;
use crate::journal::{Event, RelPath, RunFolder, RunId, crash, is_abandoned, recover};
use crate::workspace::{Blobs, remove_tree};

/// Result of settling an unfinished operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Run whose patch was written.
    pub run: RunId,
    /// Direction of the operation.
    pub doing: Doing,
    /// True when the operation had been done; false when the tree is restored.
    pub finished: bool,
    /// Files that somebody changed meanwhile; they were left as they are.
    pub theirs: Vec<RelPath>,
    /// Files that can't be restored yet, each with the reason; the next command tries again.
    pub stuck: Vec<String>,
    /// Why git could not record the patch, if it couldn't.
    pub untold: Option<String>,
}

/// Settles unfinished operations below `state`. Costs one look into a folder when there are none.
#[must_use]
pub fn settle(state: &Path) -> Vec<Settled> {
    let Ok(entries) = fs::read_dir(RunFolder::unfinished_below(state)) else { return Vec::new() };
    let run_of = |entry: fs::DirEntry| {
        let id = Path::new(&entry.file_name()).file_stem()?.to_str()?.parse().ok()?;
        Some(RunFolder::at(state, &id))
    };
    entries.flatten().filter_map(run_of).filter_map(|run| settle_one(&run)).collect()
}

fn settle_one(run: &RunFolder) -> Option<Settled> {
    let is_free = || !run.journal().exists() || is_abandoned(&run.journal());
    let Ok(intent) = Intent::load(&run.unfinished()) else {
        if is_free() {
            // The process was killed before it wrote anything.
            drop(fs::remove_file(unfinished_new(run)));
            drop(remove_tree(&run.unfinished_git()));
        }
        return None;
    };
    // A missing tree, such as one on an unmounted disk, is left for later.
    let tree = Dir::open_ambient_dir(&intent.root, ambient_authority()).ok()?;
    let _lock = lock(&intent.root);
    // The process that held the lock may have finished by now.
    let intent = Intent::load(&run.unfinished()).ok().filter(|_| is_free())?;
    let finished = is_noted(run, intent.doing);
    let blobs = Blobs::at(&run.blobs());
    let Returned { theirs, stuck } = if finished { Returned::default() } else { intent.plan.roll_back(&tree, &blobs) };
    let untold = intent
        .recording
        .as_ref()
        .filter(|_| finished)
        .and_then(|recording| Some(recording.finish().err()?.to_string()));
    crash::point("settled");
    if stuck.is_empty() {
        intent.plan.clear(&tree);
        let forgotten = if finished { intent.fulfil(run) } else { intent.forget(run) };
        forgotten.ok()?;
    }
    Some(Settled { run: intent.run, doing: intent.doing, finished, theirs, stuck, untold })
}

/// Returns true when the last operation on the tree in the journal is `doing`.
fn is_noted(run: &RunFolder, doing: Doing) -> bool {
    let Ok(recovered) = recover(&run.journal()) else { return false };
    let said = recovered.records.iter().rev().find_map(|record| match record.event {
        Event::Applied(_) => Some(Doing::Apply),
        Event::Undone(_) => Some(Doing::Undo),
        _ => None,
    });
    said == Some(doing)
}
