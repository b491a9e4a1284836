//! Searches what is shown, which takes longest, in a copy of the sandbox's own process while the prover starts.
//!
//! It sees what a command sees: it is in the same root and has no capabilities either, and a command's Landlock rules
//! only remove access. The prover checks that the command's mounts are those that were searched.

use std::fs;

use super::mounts;
use super::targets::Meant;
use crate::journal::Proof;
use crate::sandbox::confine;
use crate::sandbox::side_process::SideProcess;
use crate::sandbox::visible::{Searched, all_processors};

/// A running search.
pub(in crate::sandbox) struct Searching {
    process: SideProcess,
    meant: Meant,
    before: Searched,
}

impl Searching {
    /// Begins the search and tells the prover, through `meant`, in which mounts; `before` holds earlier results. `None`
    /// if the prover has to search itself.
    pub(in crate::sandbox) fn begin(meant: &mut Meant, before: Searched) -> Option<Self> {
        let table = fs::read(mounts::MOUNTS).ok()?;
        let work = || {
            confine::drop_capabilities().map_err(|error| error.to_string())?;
            Ok::<_, String>(mounts::search(meant, &before, all_processors()))
        };
        let process = SideProcess::start(work).ok()?;
        meant.searched = Some(mounts::fingerprint(&meant.visible, &table));
        Some(Self { process, meant: meant.clone(), before })
    }

    /// Returns the results. If the search was interrupted, as by the end of a command without a PID namespace, this
    /// process searches instead; it has no more privileges by now.
    pub(in crate::sandbox) fn finish(self) -> Vec<Proof> {
        let found: Result<Vec<Proof>, String> = self.process.finish().unwrap_or_else(|error| Err(error.to_string()));
        found.unwrap_or_else(|_| mounts::search(&self.meant, &self.before, all_processors()))
    }
}
