//! A change set written to a tree: all files or none, whatever happens on the way.
//!
//! | File | What it does |
//! |---|---|
//! | `check` | whether every touched file is, byte for byte and in its mode, what the change set says it was |
//! | `plan` | everything that will be touched, as it was and as it will be |
//! | `write` | new contents staged in a folder beside the files, checked once more, then renamed into place |
//! | `roll_back` | the way back from any point of that, told by the plan and by what stands in the tree |
//! | [`merge`](merge()) | a change set fitted to a tree that moved on |
//! | [`transaction`](Transaction) | the user's tree: one writer at a time, the plan kept on disk until all is done |
//! | [`recover`](settle()) | what a killed process left, finished or taken back |
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
/// When a touched file is not what `changes` says it was, and when something can't be read or written.
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
