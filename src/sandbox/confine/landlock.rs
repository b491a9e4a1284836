//! Landlock domains: one for the host, and one more for each command.
//!
//! Landlock (<https://docs.kernel.org/userspace-api/landlock.html>) needs no privileges. A domain also keeps its
//! processes from signalling, tracing and reading the memory of processes outside, so a command's own domain protects
//! the host from it.

use std::io;

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use super::domain::Domain as Reach;
use crate::journal::Layer;

/// The newest ABI that these rules were written for; an older kernel enforces what it knows.
const WRITTEN_FOR: ABI = ABI::V6;
/// Since this ABI truncation needs a right; before, files outside could be emptied.
const GUARDS_FILES: ABI = ABI::V3;
/// Since this ABI signals are scoped.
const GUARDS_SIGNALS: ABI = ABI::V6;

/// The domain as enforced by the kernel.
pub(super) struct Domain {
    pub(super) layer: Layer,
    pub(super) files: bool,
    pub(super) signals: bool,
}

/// Enters the domain of the host and its tools.
pub(super) fn enter_host_domain(reach: &Reach) -> Domain {
    match restrict(reach) {
        Ok(status) => judge(&status),
        Err(error) => {
            let layer = Layer::missing("landlock", error.to_string());
            Domain { layer, files: false, signals: false }
        }
    }
}

/// Enters the domain of a command, which can't write the logs or signal the host.
///
/// # Errors
/// If the kernel refuses although it has Landlock.
pub(super) fn enter_command_domain(reach: &Reach) -> io::Result<()> {
    restrict(reach).map(drop).map_err(io::Error::other)
}

fn restrict(reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
    let everything = AccessFs::from_all(WRITTEN_FOR);
    let rules = Ruleset::default().handle_access(everything)?.scope(Scope::from_all(WRITTEN_FOR))?.create()?;
    // A path that can't be opened gets no rule, so it isn't allowed.
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
