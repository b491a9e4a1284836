//! The search of what is shown, which takes longest: a copy of the sandbox's own process makes it while the prover starts.
//!
//! It sees what a command sees, as it is in the same root and has no capability either; a command's rules of Landlock only take away. That the
//! command's mounts are the ones that were searched is for the prover to find out.

use std::fs;

use super::mounts;
use super::targets::Meant;
use crate::journal::Proof;
use crate::sandbox::confine;
use crate::sandbox::side_process::SideProcess;
use crate::sandbox::visible::{Searched, all_processors};

/// A search that was begun.
pub(in crate::sandbox) struct Searching {
    process: SideProcess,
    meant: Meant,
    before: Searched,
}

impl Searching {
    /// Begins it, and has the prover be told in which mounts; `before` is what came of the search for what is to be covered. `None`: the
    /// prover has to search.
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

    /// What came of it. Where it was cut short, as by the end of a command that has no cell, this process searches, which has no more rights
    /// by now.
    pub(in crate::sandbox) fn finish(self) -> Vec<Proof> {
        let found: Result<Vec<Proof>, String> = self.process.finish().unwrap_or_else(|error| Err(error.to_string()));
        found.unwrap_or_else(|_| mounts::search(&self.meant, &self.before, all_processors()))
    }
}
