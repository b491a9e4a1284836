//! The user's repository, the private view of it, and the patch between the two.
//!
//! | File | What it does |
//! |---|---|
//! | [`repository`](Repository) | finds the root and refuses places where kcode must not work |
//! | `outline` | lists tracked paths and dirty files for the survey |
//! | [`git/`](History) | finds and checks git's folders; runs `git` without a repository's settings |
//! | `selection`, `copy` | decide which files the view gets, and copy them |
//! | `manifest`, `paths` | record compactly what each file was at the start |
//! | [`view`](View) | makes, compares and removes the private view, an overlay or a copy |
//! | [`outside/`](Outside) | finds what manifests name outside of the repository |
//! | [`overlay/`](Overlay) | the view as an overlay of the user's tree |
//! | `scan`, `new_files` | find the files of a copy that differ from the start |
//! | `differences`, `by_products` | collect the differences, without the litter of test runs |
//! | `generated` | separates what tools wrote, which is the patch, from what commands wrote |
//! | `walk`, `ignore_file` | walk a folder by git's ignore rules |
//! | `work_limit`, `trail` | bound the work of one comparison; walk from path to path by open folders |
//! | [`remove`](remove_tree()) | removes whatever commands made |
//! | [`patch`](Patch), `hunks` | the difference as a patch that `git apply` takes |
//! | [`change_set`](ChangeSet), `blobs` | the same difference as exact bytes, for apply and undo |
//! | [`tree_id`](TreeIndex) | git's id of the tree that tests ran on |
//! | [`parts`](Parts), `slide_hunks` | a change set in hunks that can be taken, left or rewritten |
//! | [`patch_file`](PatchFile) | turns a patch file into the change set that it would make |
//! | [`recording/`](GitRecording) | puts an applied patch into the index, on a branch, into a commit |
//! | [`apply/`](apply()) | writes the change set to a tree or takes it back: all files or none |
//!
//! Nothing in this module writes to the user's tree, index, refs or stash, except a [`Transaction`], and that only when
//! every touched file still is what it was.

mod apply;
mod blobs;
mod by_products;
mod change_set;
mod copy;
mod dependencies;
mod differences;
mod error;
mod file_state;
mod generated;
mod generated_rules;
mod git;
mod hunks;
mod ignore_file;
mod manifest;
mod new_files;
mod outline;
mod outside;
mod overlay;
mod parts;
mod patch;
mod patch_file;
mod paths;
mod recording;
mod remove;
mod repository;
mod scan;
mod selection;
mod slide_hunks;
mod trail;
mod tree_hash;
mod tree_id;
mod view;
mod walk;
mod work_limit;

pub use apply::{
    ApplyError, Conflict, Doing, Merged, Settled, StaleFile, Transaction, applied_changes, apply, merge, settle,
    still_applies,
};
pub use blobs::Blobs;
pub use change_set::{CHANGES_SCHEMA, ChangeSet, ChangedFile};
pub use dependencies::{Dependencies, LeadingOut};
pub use error::WorkspaceError;
pub use file_state::{FileMode, FileState};
pub use git::{
    BaseTree, BranchName, CommitTree, Head, History, PublishingClone, Remote, RemoteError, remove_temporary,
};
pub use outline::{DirtyFile, Outline};
pub use outside::Outside;
pub use overlay::{NoOverlay, Overlay};
#[cfg(test)]
pub(crate) use parts::changes;
pub use parts::{FileParts, Hunk, LineRange, Part, Parts, Replacement, differing, lines};
pub use patch::{LeftOut, LeftOutReason, Patch, write_patch};
pub use patch_file::{Direction, PatchFile, PatchFileError};
pub use paths::escaped;
pub use recording::{GitRecording, RecordError, Wanted};
pub use remove::{remove_all_soon, remove_tree, remove_tree_soon, vacate};
pub use repository::{GitAccess, Repository};
pub use tree_id::{NoTreeId, TreeIds, TreeIndex};
pub use view::{Copying, Touched, View};
pub use walk::{may_enter, use_harmless_rules};
