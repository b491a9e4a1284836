//! Options of a review, and how it ends.

use crate::run::ShownFolders;

/// How the user left the pages.
pub(super) enum ReviewExit {
    /// Test and apply the decisions.
    Conclude,
    Leave,
    /// The terminal was closed, or kcode was ended.
    Stop,
}

/// How a review asks, and whether it tests.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReviewOptions {
    /// `--no-verify`.
    pub no_verify: bool,
    /// `--plain`.
    pub plain: bool,
    /// Folders of `--readable`.
    pub shown: ShownFolders,
}
