//! The flag `--readable`: folders that tests see besides the tree and toolchains, for this command only.

use std::path::PathBuf;

use clap::Args;

use crate::run::ShownFolders;

/// What tests see of the machine besides.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ShownArguments {
    /// Show DIR to the tests, read-only, such as a library beside the repository; can be repeated
    #[arg(long, value_name = "DIR")]
    pub readable: Vec<PathBuf>,
}

impl ShownArguments {
    pub(super) fn shown(&self) -> ShownFolders {
        ShownFolders(self.readable.clone())
    }
}
