//! Where a host's namespaces come from: it is told by whoever starts it, and reports it.

use serde::{Deserialize, Serialize};

use super::visible::Visible;

/// The three ways, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NamespaceProvider {
    /// It makes its own.
    Own,
    /// It was started in those that bwrap made.
    Bwrap(InBwrap),
    /// There are none.
    Bare {
        /// Why the others can't be had.
        why: String,
    },
}

/// See [`NamespaceProvider::Bwrap`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InBwrap {
    /// Of the program.
    pub(super) version: String,
    /// Why the host couldn't make its own.
    pub(super) why: String,
    /// How many places of the machine are shown in its root.
    pub(super) places: usize,
    /// What its root is meant to show.
    pub(super) visible: Visible,
    /// Why the view isn't an overlay, when one was wanted and couldn't be had.
    pub(super) no_overlay: Option<String>,
}
