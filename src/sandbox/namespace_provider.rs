//! Where the host's namespaces come from: whoever starts the host tells it, and it reports that.

use serde::{Deserialize, Serialize};

use super::visible::Visible;

/// Ways to get namespaces, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NamespaceProvider {
    /// The host makes its own.
    Own,
    /// bwrap made them and started the host in them.
    Bwrap(InBwrap),
    /// There are none.
    Bare {
        /// Why namespaces aren't available.
        why: String,
    },
}

/// Facts about namespaces made by bwrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InBwrap {
    /// bwrap's version.
    pub(super) version: String,
    /// Why the host couldn't make its own.
    pub(super) why: String,
    /// Number of the machine's places that its root shows.
    pub(super) places: usize,
    /// What its root should show.
    pub(super) visible: Visible,
    /// Why the view isn't an overlay although one was planned.
    pub(super) no_overlay: Option<String>,
}
