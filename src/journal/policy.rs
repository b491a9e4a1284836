//! What a patch policy says about a patch.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a policy says about a patch (event `policy_checked`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReport {
    /// The strictest verdict of all findings; `allow` without findings.
    pub verdict: PolicyVerdict,
    /// Everything that isn't simply allowed: strictest first, then in the order of the patch.
    pub findings: Vec<PolicyFinding>,
    /// Number of findings beyond those that are listed.
    #[serde(default)]
    pub findings_left_out: u64,
    /// Number of files that the patch touches.
    pub files: u64,
    /// Size of the patch in bytes.
    pub bytes: u64,
}

/// What is done with a patch, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyVerdict {
    /// It may be applied and published.
    Allow,
    /// It may be published, marked for people to look at.
    Review,
    /// It may be neither applied nor published.
    Refuse,
}

/// A reason for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyFinding {
    /// What this class of changes gets.
    pub verdict: PolicyVerdict,
    /// The class.
    pub class: PolicyClass,
    /// The path, as the patch spells it; `null` for the patch as a whole.
    pub path: Option<String>,
    /// Line in the new file; for a patch that can't be read, line of the patch.
    pub line: Option<u64>,
    /// Why it is in this class: half a sentence for people, without the text that was found.
    pub why: String,
}

/// A class of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyClass {
    /// The patch can't be read, or could be read in two ways. Always refused.
    Unreadable,
    /// A path that leads out of the tree, into git's folder, or through a link. Always refused.
    Path,
    /// Workflows and settings of CI systems.
    CiFiles,
    /// Hooks, and settings of programs that install or run hooks.
    Hooks,
    /// Manifests and lock files of dependencies.
    Dependencies,
    /// Instructions and settings of coding agents and editors.
    AgentFiles,
    /// Who has to approve changes.
    Codeowners,
    /// Commits of submodules, and `.gitmodules`.
    Submodules,
    /// Attributes that change what git does with files.
    GitAttributes,
    /// Code that runs, and settings that apply, when a package is installed or built.
    InstallScripts,
    /// Symbolic links. Those that lead out of the tree are always refused.
    Symlinks,
    /// Executable bits.
    Executables,
    /// Contents that a review can't show.
    Binaries,
    /// Added lines that look like secrets.
    Secrets,
    /// Characters that are invisible or look like others, in added lines and in paths.
    HiddenCharacters,
    /// More files than allowed.
    MaxFiles,
    /// More bytes than allowed.
    MaxBytes,
    /// A path that the settings name under `policy.paths`.
    Paths,
}

impl PolicyVerdict {
    /// The name, as in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for PolicyVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PolicyVerdict {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Allow, Self::Review, Self::Refuse]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| format!("{text:?} is none of allow, review, refuse"))
    }
}

impl PolicyClass {
    /// The name, as in settings and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Path => "path",
            Self::CiFiles => "ci_files",
            Self::Hooks => "hooks",
            Self::Dependencies => "dependencies",
            Self::AgentFiles => "agent_files",
            Self::Codeowners => "codeowners",
            Self::Submodules => "submodules",
            Self::GitAttributes => "git_attributes",
            Self::InstallScripts => "install_scripts",
            Self::Symlinks => "symlinks",
            Self::Executables => "executables",
            Self::Binaries => "binaries",
            Self::Secrets => "secrets",
            Self::HiddenCharacters => "hidden_characters",
            Self::MaxFiles => "max_files",
            Self::MaxBytes => "max_bytes",
            Self::Paths => "paths",
        }
    }
}

impl fmt::Display for PolicyClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
