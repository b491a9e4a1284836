//! Resource limits and capabilities: small layers that need nothing of the kernel's configuration.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, remove_capability_from_bounding_set,
    set_capabilities,
};

/// The largest file that a command may write; a runaway log stops here, a build artefact doesn't.
const FILE_SIZE: u64 = 16 * 1024 * 1024 * 1024;
/// Open files of a process; runtimes raise their own limit up to it.
const OPEN_FILES: u64 = 65_536;

/// Lowers the limits of this process and its children. A limit that is lower already stays.
pub(super) fn set() -> io::Result<String> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, FILE_SIZE)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    Ok("no core dumps; files up to 16 GiB; 65,536 open files".into())
}

fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let at_most = |value: Option<u64>| Some(value.map_or(limit, |value| value.min(limit)));
    Ok(setrlimit(resource, Rlimit { current: at_most(now.current), maximum: at_most(now.maximum) })?)
}

/// Gives up every capability for good. Root without them is an ordinary user that owns root's files; with them
/// it could read other processes' environments past Landlock.
pub(super) fn drop_capabilities() -> io::Result<String> {
    let had = !capabilities(None)?.effective.is_empty();
    for capability in CapabilitySet::all().iter() {
        match capability_is_in_bounding_set(capability) {
            Ok(true) if had => remove_capability_from_bounding_set(capability)?,
            // An ordinary user can't shrink the bounding set, and needn't: no_new_privs keeps it out of reach. And
            // this kernel may not know every capability.
            Ok(_) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    if capabilities(None)?.permitted.is_empty() {
        Ok(if had { "all dropped" } else { "there were none" }.into())
    } else {
        Err(io::Error::other("the kernel took the request and ignored it"))
    }
}
