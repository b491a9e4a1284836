//! What a run is enclosed in, as events tell it: its private view, and the wall with the proof that it holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See `Event::ViewMade`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewMade {
    /// `overlay` or `copy`.
    pub kind: String,
    /// Files and links that were copied: none for an overlay, which shows the tree itself.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Milliseconds it took.
    pub ms: u64,
    /// What was left out or made visible otherwise, a sentence each.
    pub notes: Vec<String>,
}

/// Which parts of the sandbox hold, layer by layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WallBuilt")]
pub struct SandboxBuilt {
    /// Nothing outside the view can be written.
    pub tree: bool,
    /// Processes of the run can't reach others, and none outlives it.
    pub process: bool,
    /// No network.
    pub network: bool,
    /// Every layer that was tried.
    pub layers: Vec<Layer>,
    /// Attempts to break out, made as a test command could make them; empty with `--sandbox off`.
    #[serde(default)]
    pub proof: Vec<Proof>,
    /// Milliseconds from launch of the worker to its word.
    pub ms: u64,
    /// Of those, what the attempts took.
    #[serde(default)]
    pub proof_ms: u64,
}

impl SandboxBuilt {
    /// Whether the wall guards this.
    #[must_use]
    pub const fn holds(&self, guard: Guard) -> bool {
        match guard {
            Guard::Files => self.tree,
            Guard::Processes => self.process,
            Guard::Network => self.network,
        }
    }
}

/// One layer of the wall, probed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// Such as `landlock`.
    pub name: String,
    /// Whether it is in force.
    pub holds: bool,
    /// Version or reason.
    pub detail: String,
    /// What a person can do about it, when it isn't in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Layer {
    /// A layer that is in force.
    #[must_use]
    pub fn holding(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), holds: true, detail: detail.into(), hint: None }
    }

    /// A layer that isn't, and why.
    #[must_use]
    pub fn missing(name: &str, reason: impl Into<String>) -> Self {
        Self { holds: false, ..Self::holding(name, reason) }
    }

    /// Whether it only bounds what commands use up: neither files, processes nor network depend on it.
    #[must_use]
    pub fn only_bounds(&self) -> bool {
        self.name == "cgroup"
    }

    /// The same with a word on what can be done about it.
    #[must_use]
    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// One attempt to break out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What it was aimed at.
    pub guards: Guard,
    /// What was tried.
    pub attempt: String,
    /// Whether the wall held.
    pub held: bool,
    /// How it was refused, or what became of it.
    pub detail: String,
}

/// What the wall guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Nothing outside the view can be written, and no secret be read.
    Files,
    /// No process outside can be reached, and none outlives the run.
    Processes,
    /// Nothing of this machine's network, nor of any other, can be reached.
    Network,
}

impl Guard {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Files, Self::Processes, Self::Network];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Network => "network",
        }
    }
}
