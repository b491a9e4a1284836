//! Writes a change set to a tree: all files or none, whatever happens on the way.
//!
//! | File | What it does |
//! |---|---|
//! | `check` | compares every touched file, bytes and mode, with what the change set expects |
//! | `plan` | lists everything that will be touched, as it was and as it will be |
//! | `write` | stages new contents in a folder in the tree, checks once more, renames them into place |
//! | `roll_back` | takes a plan back from any point, by what it finds in the tree |
//! | [`merge`](merge()) | fits a change set to a tree that changed since |
//! | [`transaction`](Transaction) | the user's tree: one writer at a time, the plan kept on disk until all is done |
//! | [`recover`](settle()) | finishes or takes back what a killed process left |
//!
//! The index, refs and stash are not touched, and git isn't needed.

mod check;
mod error;
mod intent;
mod merge;
mod plan;
mod recover;
mod roll_back;
mod transaction;
mod write;

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::{Blobs, ChangeSet};
use crate::journal::Applied;

pub(super) use check::check;
pub use check::still_applies;
pub use error::{ApplyError, Conflict, Doing, StaleFile};
pub(super) use merge::merge_content;
pub use merge::{Merged, merge};
use plan::Plan;
pub(super) use plan::permissions;
pub use recover::{Settled, settle};
pub use transaction::{Transaction, applied_changes};

/// Writes `changes` to a tree that nobody else uses, such as a private view. `blobs` holds the contents.
///
/// # Errors
/// When a touched file isn't what `changes` expects, and when something can't be read or written.
pub fn apply(root: &Path, changes: &ChangeSet, blobs: &Blobs) -> Result<Applied, ApplyError> {
    let doing = Doing::Apply;
    let tree = Dir::open_ambient_dir(root, ambient_authority());
    let tree = tree.map_err(|source| ApplyError::Write { path: root.to_owned(), source, doing })?;
    check(&tree, changes, doing)?;
    let plan = Plan::of(&tree, changes);
    plan.write(&tree, blobs, doing)?;
    plan.clear(&tree);
    Ok(Applied { files: changes.entries.len() as u64, ..Applied::default() })
}
