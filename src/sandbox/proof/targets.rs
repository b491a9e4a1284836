//! What the attempts to break out are aimed at, and what the sandbox is meant to show.

use std::path::PathBuf;

use rustix::process::getpid;
use serde::{Deserialize, Serialize};

use crate::journal::Digest;
use crate::sandbox::descendants;
use crate::sandbox::visible::Visible;

/// What a sandbox is meant to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Meant {
    pub(in crate::sandbox) visible: Visible,
    /// Whether it has a root of its own; without one the machine's mounts are there, and Landlock keeps them shut.
    pub(in crate::sandbox) has_root: bool,
    /// Globs of files with secrets that may be read.
    pub(in crate::sandbox) readable_secrets: Vec<String>,
    /// Folders of dependencies: secrets in them are the tree's own.
    pub(in crate::sandbox) of_tree: Vec<PathBuf>,
    /// What a person has shown besides, canonical: it is searched further.
    pub(in crate::sandbox) named: Vec<PathBuf>,
    /// What nobody may open.
    pub(in crate::sandbox) hidden: Vec<PathBuf>,
    /// The mounts in which the sandbox's own process has the places searched meanwhile, by [`fingerprint`](super::mounts::fingerprint); `None`: it doesn't.
    #[serde(default)]
    pub(in crate::sandbox) searched: Option<Digest>,
}

/// Where it is; the prover is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Targets {
    /// The broker's number, and when it began, as numbers mean something else in a cell.
    pub(super) broker: (u32, u64),
    /// The same of the worker; it says so itself.
    #[serde(default)]
    pub(super) worker: Option<(u32, u64)>,
    /// A file that holds a secret, in the home folder where there is one.
    pub(super) secret: PathBuf,
    /// A TCP port of the machine's loopback.
    pub(super) tcp: Option<u16>,
    /// A UDP port of it.
    pub(super) udp: Option<u16>,
    /// A socket with a path.
    pub(super) path_socket: Option<PathBuf>,
    /// A socket with a name.
    pub(super) abstract_socket: Option<String>,
    /// What the sandbox is meant to show; its own process says so.
    #[serde(default)]
    pub(super) meant: Option<Meant>,
    /// The broker's IPC namespace.
    pub(super) ipc: Option<u64>,
    /// A folder that the prover may write.
    pub(super) own: PathBuf,
}

impl Targets {
    /// The same, in a sandbox that is `meant` to be so.
    pub(in crate::sandbox) fn in_sandbox(self, meant: Meant) -> Self {
        Self { meant: Some(meant), worker: Some(itself()), ..self }
    }
}

pub(super) fn itself() -> (u32, u64) {
    (std::process::id(), descendants::started(getpid()).unwrap_or_default())
}
