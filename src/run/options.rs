//! What a person asks of a run beside its settings.

use std::path::PathBuf;

use super::readable::ShownFolders;
use crate::render::Verbosity;

/// Plain values; the command line's flags are one way to say them.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunOptions {
    /// Writes the patch to the tree when it is verified and no touched file changed meanwhile.
    pub apply: bool,
    /// Writes the patch to this file, too.
    pub patch: Option<PathBuf>,
    /// A shell command that runs the tests.
    pub test: Option<String>,
    /// `--no-verify`: runs no tests and no checks.
    pub no_verify: bool,
    /// Runs none on the state that the run starts from.
    pub no_baseline: bool,
    /// Asks for a test that fails without the patch.
    pub reproduce: bool,
    /// Drops what no test needs of a verified patch.
    pub minimize: bool,
    /// Accepts a patch that makes tests prove less.
    pub allow_test_edits: bool,
    /// Goes on although the tests can't run here.
    pub allow_failing_setup: bool,
    /// Globs of files that commands write and that become part of the patch.
    pub include_generated: Vec<String>,
    /// Folders outside the tree that tests see.
    pub shown: ShownFolders,
    pub loudness: Verbosity,
}
