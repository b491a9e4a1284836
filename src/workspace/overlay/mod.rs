//! The view as an overlay: the user's tree below, what the run changes above.
//!
//! The worker mounts it, at the tree's own path and in a namespace of its own, so nothing here sees
//! the merged view. It doesn't have to: what a run changed is what lies in the upper layer, and
//! finding it costs what was changed, whatever the tree's size.
//!
//! | File | What it does |
//! |---|---|
//! | `prepare` | the empty layers before the mount, or those that hold a stopped run's changes |
//! | `layers` | what the view shows at a path, told from both layers |
//! | `walk` | which paths of the view may differ: the upper layer, and what it hides |
//! | `rules`, `tracked` | what git ignores and what it tracks, asked path by path |
//! | `scene` | the comparison with what stood there when the run began |

mod layers;
mod prepare;
mod rules;
mod scene;
mod tracked;
mod walk;

pub use prepare::{NoOverlay, Overlay};
pub(super) use scene::OverlayScene;
