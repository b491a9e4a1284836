//! The targets of the attempts, and what the sandbox should show.

use std::path::PathBuf;

use rustix::process::getpid;
use serde::{Deserialize, Serialize};

use crate::journal::Digest;
use crate::sandbox::descendants;
use crate::sandbox::visible::Visible;

/// What a sandbox should show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Meant {
    pub(in crate::sandbox) visible: Visible,
    /// Whether it has a root of its own; without one, the machine's mounts are visible and only Landlock denies access.
    pub(in crate::sandbox) has_root: bool,
    /// Globs of secret files that may be read.
    pub(in crate::sandbox) readable_secrets: Vec<String>,
    /// Dependency folders, whose secrets belong to the tree.
    pub(in crate::sandbox) of_tree: Vec<PathBuf>,
    /// Paths that a person named, canonical; they are searched deeper.
    pub(in crate::sandbox) named: Vec<PathBuf>,
    /// Paths that nobody may open.
    pub(in crate::sandbox) hidden: Vec<PathBuf>,
    /// Digest ([`fingerprint`](super::mounts::fingerprint)) of the mounts in which the sandbox's own process searches
    /// meanwhile; `None` if it doesn't.
    #[serde(default)]
    pub(in crate::sandbox) searched: Option<Digest>,
}

/// The targets, as told to the prover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Targets {
    /// The broker's PID and start time: in a PID namespace the number alone may mean another process.
    pub(super) broker: (u32, u64),
    /// The same for the worker, which fills it in.
    #[serde(default)]
    pub(super) worker: Option<(u32, u64)>,
    /// A file that holds a secret, in the home folder if there is one.
    pub(super) secret: PathBuf,
    /// A TCP port of the machine's loopback.
    pub(super) tcp: Option<u16>,
    /// A UDP port of the machine's loopback.
    pub(super) udp: Option<u16>,
    /// A Unix socket with a path.
    pub(super) path_socket: Option<PathBuf>,
    /// A Unix socket with an abstract name.
    pub(super) abstract_socket: Option<String>,
    /// What the sandbox should show; its own process fills it in.
    #[serde(default)]
    pub(super) meant: Option<Meant>,
    /// Number of the broker's IPC namespace.
    pub(super) ipc: Option<u64>,
    /// A folder that the prover may write.
    pub(super) own: PathBuf,
}

impl Targets {
    /// These targets, in a sandbox that should show `meant`.
    pub(in crate::sandbox) fn in_sandbox(self, meant: Meant) -> Self {
        Self { meant: Some(meant), worker: Some(itself()), ..self }
    }
}

pub(super) fn itself() -> (u32, u64) {
    (std::process::id(), descendants::started(getpid()).unwrap_or_default())
}
