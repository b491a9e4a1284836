//! What somebody else needs to run a run's tests again: how they were run, in what, and what each of them said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// See `Event::TestEnvironment`. The same in each run on the same machine with the same programs; no value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestEnvironment {
    /// The command.
    pub command: CommandAsRun,
    /// Such as `linux`.
    pub os: String,
    /// The kernel's release.
    pub kernel: String,
    /// Such as `x86_64`.
    pub arch: String,
    /// Processors that tests could use.
    pub cpus: u64,
    /// kcode's version.
    pub kcode: String,
    /// The programs that the command names, as far as they were found, and those that interpret them.
    pub programs: Vec<Program>,
    /// Names of the variables that commands saw.
    pub variables: Vec<String>,
}

/// A test command as it is run. `{reports}` stands for a folder that each run has of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandAsRun {
    /// Program and arguments as they were chosen; a line for the shell is `sh -c LINE`.
    pub words: Vec<String>,
    /// The folder it runs in, from the repository's root; `null` is the root.
    pub dir: Option<RelPath>,
    /// Further arguments that make its runner report single tests.
    pub arguments: Vec<String>,
    /// Variables that do the same: name and value. What a person had set in them stays beside it.
    pub variables: Vec<(String, String)>,
    /// Reports that the runner writes anyway, as globs.
    pub written_anyway: Vec<String>,
}

/// A program that a test command names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// As the command names it.
    pub name: String,
    /// Where it was found, links followed: often that tells its version. One of the repository's is told from its root.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256; `null` when it is too large or can't be read.
    pub sha256: Option<Digest>,
}

/// See `Event::ResultsKept`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResultsKept {
    /// The file, relative to the run's folder.
    pub path: String,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// See `Event::BaselineMissing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineMissing {
    /// Why, in one line.
    pub reason: String,
}
