//! How a review is asked, and how it is left.

use crate::run::ShownFolders;

/// How a person left the pages.
pub enum ReviewExit {
    /// Test and apply what was decided.
    Conclude,
    /// Leave.
    Leave,
    /// The terminal went, or somebody ended kcode.
    Stop,
}

/// Which way of asking a review takes.
#[derive(Clone, Debug, Default)]
pub struct ReviewOptions {
    /// See `--no-verify`.
    pub no_verify: bool,
    /// See `--plain`.
    pub plain: bool,
    /// Folders that `--readable` names
    pub shown: ShownFolders,
}
