//! Events about what confines a run: its private view, and the sandbox with the proof that it holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The private view of a run (event `view_made`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewMade {
    /// Kind of view: `overlay` or `copy`.
    pub kind: String,
    /// Number of copied files and links; 0 for an overlay, which uses the tree itself as its lower layer.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Milliseconds that it took.
    pub ms: u64,
    /// What was left out or is shown differently, one sentence each.
    pub notes: Vec<String>,
}

/// Which guarantees of the sandbox hold, layer by layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WallBuilt")]
pub struct SandboxBuilt {
    /// True if nothing outside the view can be written.
    pub tree: bool,
    /// True if processes of the run can't reach others, and none outlives it.
    pub process: bool,
    /// True if commands have no network.
    pub network: bool,
    /// All layers that were tried.
    pub layers: Vec<Layer>,
    /// Attempts to break out, made the way a test command could make them; empty with `--sandbox off`.
    #[serde(default)]
    pub proof: Vec<Proof>,
    /// Milliseconds from the launch of the worker until it is ready.
    pub ms: u64,
    /// Milliseconds of `ms` that the attempts to break out took.
    #[serde(default)]
    pub proof_ms: u64,
}

impl SandboxBuilt {
    /// Whether the sandbox guards `guard`.
    #[must_use]
    pub const fn holds(&self, guard: Guard) -> bool {
        match guard {
            Guard::Files => self.tree,
            Guard::Processes => self.process,
            Guard::Network => self.network,
        }
    }
}

/// One layer of the sandbox, as probed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// Name, such as `landlock`.
    pub name: String,
    /// True if it is in force.
    pub holds: bool,
    /// Its version, or the reason why it isn't in force.
    pub detail: String,
    /// What the user can do if it isn't in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Layer {
    /// A layer that is in force.
    #[must_use]
    pub fn holding(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), holds: true, detail: detail.into(), hint: None }
    }

    /// A layer that isn't in force, with the reason.
    #[must_use]
    pub fn missing(name: &str, reason: impl Into<String>) -> Self {
        Self { holds: false, ..Self::holding(name, reason) }
    }

    /// Whether the layer only limits resources: neither files, processes nor network depend on it.
    #[must_use]
    pub fn only_bounds(&self) -> bool {
        self.name == "cgroup"
    }

    /// Sets the hint.
    #[must_use]
    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// One attempt to break out of the sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The guarantee that it attacks.
    pub guards: Guard,
    /// What was attempted.
    pub attempt: String,
    /// True if the sandbox held.
    pub held: bool,
    /// How it was refused, or what happened.
    pub detail: String,
}

/// A guarantee of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Nothing outside the view can be written, and no secret can be read.
    Files,
    /// No process outside can be reached, and none outlives the run.
    Processes,
    /// Neither this machine's network nor any other can be reached.
    Network,
}

impl Guard {
    /// All guarantees, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Files, Self::Processes, Self::Network];

    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Network => "network",
        }
    }
}
