//! The view as an overlay: the user's tree is the lower layer, the run's changes are the upper one.
//!
//! The worker mounts it, at the tree's own path and in a mount namespace of its own, so nothing here sees the merged
//! view. That isn't needed: what a run changed is in the upper layer, and finding it costs what was changed, whatever
//! the tree's size.
//!
//! | File | What it does |
//! |---|---|
//! | `prepare` | makes the layers before the mount, empty or with a stopped run's changes |
//! | `layers` | derives what the view shows at a path from both layers |
//! | `walk` | lists which paths of the view may differ: the upper layer, and what it hides |
//! | `rules`, `tracked` | answer what git ignores and tracks, path by path |
//! | `start_comparison` | compares the view with the tree at the start of the run |

mod layers;
mod prepare;
mod rules;
mod start_comparison;
mod tracked;
mod walk;

pub use prepare::{NoOverlay, Overlay};
pub(super) use start_comparison::OverlayScene;
