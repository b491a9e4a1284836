//! The patch policy: what a patch may touch where nobody watches.
//!
//! [`Policy::check`] reads a patch as hostile text (`patch`), compares names as the most lenient file system does
//! (`fold`), puts each path into classes (`rules`, with the data in `policy.toml`), and looks at what lines add
//! (`content`). Settings say what each class gets: `allow`, `review` or `refuse`. A patch that can't be read, or that
//! reaches out of its tree, is always refused. Nothing here reads files or runs programs; the tree that the patch is
//! meant for comes in as a [`PatchBase`]. Cases are in `fixtures/policy`.

mod base;
mod check;
mod content;
mod findings;
mod fold;
mod patch;
mod places;
mod rules;

pub(crate) use base::PatchBase;
pub(crate) use check::Policy;
pub(crate) use patch::FileKind;
