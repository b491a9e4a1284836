//! The Landlock domains: one around the host, and one more around each command.
//!
//! Landlock (<https://docs.kernel.org/userspace-api/landlock.html>) needs no privilege. A domain
//! also keeps its processes from signalling, tracing and reading the memory of any process
//! outside, which is why commands get one of their own: they can't reach the host.

use std::io;

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use super::domain::Domain as Reach;
use crate::journal::Layer;

/// The newest interface that these rules were written for; an older kernel enforces what it knows.
const WRITTEN_FOR: ABI = ABI::V6;
/// From here on truncating a file needs a right, too: before it, files outside could be emptied.
const GUARDS_FILES: ABI = ABI::V3;
/// From here on signals are scoped.
const GUARDS_SIGNALS: ABI = ABI::V6;

/// What Landlock came to.
pub(super) struct Domain {
    pub(super) layer: Layer,
    pub(super) files: bool,
    pub(super) signals: bool,
}

/// Enters the domain in which tools and commands live.
pub(super) fn enter_host_domain(reach: &Reach) -> Domain {
    match restrict(reach) {
        Ok(status) => judge(&status),
        Err(error) => {
            let layer = Layer::missing("landlock", error.to_string());
            Domain { layer, files: false, signals: false }
        }
    }
}

/// Enters the domain of one command: it can write what is `writable` but not the logs, and sees the host as a stranger.
///
/// # Errors
/// When the kernel refuses although it has Landlock.
pub(super) fn enter_command_domain(reach: &Reach) -> io::Result<()> {
    restrict(reach).map(drop).map_err(io::Error::other)
}

fn restrict(reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
    let everything = AccessFs::from_all(WRITTEN_FOR);
    let rules = Ruleset::default().handle_access(everything)?.scope(Scope::from_all(WRITTEN_FOR))?.create()?;
    // A path that can't be opened makes no rule: it is simply not allowed.
    rules
        .add_rules(path_beneath_rules(&reach.listable, AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(&reach.readable, AccessFs::from_read(WRITTEN_FOR)))?
        .add_rules(path_beneath_rules(&reach.writable, everything))?
        .restrict_self()
}

fn judge(status: &RestrictionStatus) -> Domain {
    let (abi, detail) = match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            let abi = kernel_abi.unwrap_or(effective_abi as i32);
            (effective_abi, format!("ABI {abi}"))
        }
        LandlockStatus::NotEnabled => (ABI::Unsupported, "this kernel has it switched off".into()),
        LandlockStatus::NotImplemented => (ABI::Unsupported, "this kernel doesn't have it".into()),
    };
    let holds = status.ruleset != RulesetStatus::NotEnforced;
    let layer = Layer { holds, ..Layer::holding("landlock", detail) };
    Domain { layer, files: holds && abi >= GUARDS_FILES, signals: holds && abi >= GUARDS_SIGNALS }
}
