//! The user's repository, the private view of it, and the patch between the two.
//!
//! | File | What it does |
//! |---|---|
//! | [`repository`](Repository) | finds the root, refuses places where kcode must not work |
//! | `outline` | tracked paths and dirty files, for the survey |
//! | [`git/`](History) | git's folders, found and checked; the `git` command without a repository's settings |
//! | `selection`, `copy` | which files the view gets, and getting them there |
//! | `manifest`, `paths` | what each file was at the start, in little memory |
//! | [`view`](View) | the private view, an overlay or a copy: made, kept, compared, removed |
//! | [`outside/`](Outside) | what manifests name outside of the repository |
//! | [`overlay/`](Overlay) | the view as an overlay of the user's tree |
//! | `scan`, `new_files` | which files of a copy differ from the start |
//! | `differences`, `by_products` | what differs, and what nobody means as a change |
//! | `generated` | what tools wrote and what commands wrote: only the former is the patch |
//! | `walk`, `ignore_file` | walking a folder as git would see it, and the rules that say what it ignores |
//! | `effort`, `trail` | how much one look may be, and going from path to path without beginning at the top |
//! | [`remove`](remove_tree()) | removing whatever commands have made |
//! | [`patch`](Patch), `hunks` | the difference as a patch that `git apply` takes |
//! | [`change_set`](ChangeSet), `blobs` | the same difference as exact bytes, for apply and undo |
//! | [`tree_id`](TreeIndex) | git's id of the tree that tests ran on |
//! | [`parts`](Parts), `slide` | a change set in hunks that can be taken, left or rewritten |
//! | [`patch_file`](PatchFile) | a patch that comes as a file, as the change set that it would make |
//! | [`recording/`](GitRecording) | an applied patch in the index, on a branch, in a commit |
//! | [`apply/`](apply()) | the change set written to a tree, and taken back: all files or none |
//!
//! The promise of this room: nothing here writes to the user's tree, index, refs or stash,
//! except a [`Transaction`], and that only when every touched file is still what it was.

mod apply;
mod blobs;
mod by_products;
mod change_set;
mod copy;
mod dependencies;
mod differences;
mod effort;
mod error;
mod file_state;
mod generated;
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
mod slide;
mod takings;
mod trail;
mod tree_hash;
mod tree_id;
mod view;
mod walk;

pub use apply::{
    ApplyError, Conflict, Doing, Merged, Settled, StaleFile, Transaction, applied_changes, apply, merge, settle,
    still_applies,
};
pub use blobs::Blobs;
pub use change_set::{CHANGES_SCHEMA, ChangeSet, ChangedFile};
pub use dependencies::{Dependencies, LeadingOut};
pub use error::WorkspaceError;
pub use file_state::{FileMode, FileState};
pub use git::{History, remove_temporary};
pub use outline::{DirtyFile, Outline};
pub use outside::Outside;
pub use overlay::{NoOverlay, Overlay};
pub use parts::{FileParts, Hunk, LineRange, Part, Parts, Replacement, differing, lines};
pub use patch::{LeftOut, LeftOutReason, Patch, write_patch};
pub use patch_file::{Direction, PatchFile, PatchFileError};
pub use paths::escaped;
pub use recording::{GitRecording, RecordError, Wanted};
pub use remove::{remove_all_soon, remove_tree, remove_tree_soon, vacate};
pub use repository::{GitAccess, Head, Repository};
pub use tree_id::{NoTreeId, TreeIds, TreeIndex};
pub use view::{Copying, Touched, View};
pub use walk::{may_enter, use_harmless_rules};
