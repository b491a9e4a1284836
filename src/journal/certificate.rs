//! What somebody else needs to run a run's tests again: command, environment and the result of each test.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, RelPath};

/// Environment in which the tests run (event `test_environment`). It is the same in every run on one machine with the
/// same programs, and holds no values of variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestEnvironment {
    /// The test command as it is run.
    pub command: CommandAsRun,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture, such as `x86_64`.
    pub arch: String,
    /// Number of processors that tests could use.
    pub cpus: u64,
    /// Version of kcode.
    pub kcode: String,
    /// Programs that the command names, as far as they were found, and their interpreters.
    pub programs: Vec<Program>,
    /// Names of the environment variables that commands saw.
    pub variables: Vec<String>,
}

/// A test command as it is run. `{reports}` stands for a folder that is made for each run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandAsRun {
    /// Program and arguments as chosen; a shell line is `sh -c LINE`.
    pub words: Vec<String>,
    /// Folder it runs in, relative to the repository's root; `null` is the root.
    pub dir: Option<RelPath>,
    /// Arguments added so that the runner reports single tests.
    pub arguments: Vec<String>,
    /// Variables (name, value) set for the same reason. A value that the user had set is kept beside it.
    pub variables: Vec<(String, String)>,
    /// Globs of reports that the runner writes without being asked.
    pub written_anyway: Vec<String>,
}

/// A program that a test command names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Program {
    /// Name as in the command.
    pub name: String,
    /// Path with links resolved, which often tells the version; relative to the root for a program of the repository.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256; `null` if the file is too large or can't be read.
    pub sha256: Option<Digest>,
}

/// The file with the result of each test before and after (event `results_kept`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResultsKept {
    /// Path of the file, relative to the run's folder.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: Digest,
}

/// Why there are no test results for the start state (event `baseline_missing`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineMissing {
    /// The reason, in one line.
    pub reason: String,
}
