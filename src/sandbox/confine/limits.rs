//! Resource limits and capabilities: small layers that need nothing of the kernel's configuration.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, remove_capability_from_bounding_set,
    set_capabilities,
};

use crate::sandbox::kernel_files::entry;

/// The largest file that a command may write; a runaway log stops here, a build artefact doesn't.
const FILE_SIZE: u64 = 16 * GIB;
/// Open files of a process; runtimes raise their own limit up to it.
const OPEN_FILES: u64 = 65_536;
/// Every machine grants a process this much memory, and large ones half of what they have.
const MEMORY: u64 = 4 * GIB;
/// Processes and threads that a cell may have at the same time: more than any build needs, and no fork bomb's dream.
pub(in crate::sandbox) const PROCESSES: u64 = 4096;
const GIB: u64 = 1 << 30;
/// Whether the kernel promises more memory than it has (proc_sys_vm(5)).
const OVERCOMMIT: &str = "/proc/sys/vm/overcommit_memory";
/// Of a command, from 0 to 1000: when memory runs out, it goes before the user's own programs.
const FIRST_TO_GO: &str = "800";

/// Lowers the limits of this process and its children. A limit that is lower already stays.
pub(super) fn set() -> io::Result<String> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, FILE_SIZE)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    // Neither the address space nor what may be written of it: WebAssembly, the JVM and sanitizers reserve far more than they
    // use. What a process uses is for the watch to count. Only where what is reserved is missing elsewhere that is bounded.
    if fs::read_to_string(OVERCOMMIT).is_ok_and(|mode| mode.trim() == "2") {
        lower(Resource::Data, memory_limit())?;
    }
    // Counted for all processes of the user, who keeps the other half.
    halve(Resource::Sigpending)?;
    halve(Resource::Msgqueue)?;
    let (memory, file) = (memory_limit() / GIB, FILE_SIZE / GIB);
    Ok(format!("a process gets {memory} GiB of memory, files of {file} GiB, {OPEN_FILES} open files, no core dumps"))
}

/// Bounds what a cell may take as a whole. Outside a cell the first limit would count all processes of the user.
pub(in crate::sandbox) fn bound_cell() -> io::Result<()> {
    lower(Resource::Nproc, PROCESSES)
}

/// Has the kernel end this process and what it starts before anything else of the machine's, should memory run out before
/// the watch sees it.
pub(in crate::sandbox) fn go_first() {
    // A kernel built without it has no order of who goes first.
    let _ = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
}

/// What a process may take, and, where they are bounded together, all of them; in bytes.
pub(in crate::sandbox) fn memory_limit() -> u64 {
    MEMORY.max(physical_memory() / 2)
}

/// In bytes; 0 when it can't be known.
fn physical_memory() -> u64 {
    let table = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    entry(&table, "MemTotal:").unwrap_or(0)
}

fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let at_most = |value: Option<u64>| Some(value.map_or(limit, |value| value.min(limit)));
    Ok(setrlimit(resource, Rlimit { current: at_most(now.current), maximum: at_most(now.maximum) })?)
}

fn halve(resource: Resource) -> io::Result<()> {
    getrlimit(resource).current.map_or(Ok(()), |limit| lower(resource, limit / 2))
}

/// Gives up what a cell's first process doesn't need: it mounts, bounds the number of processes, and gives all of that up.
pub(super) fn keep_capabilities_of_cell() -> io::Result<()> {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_RESOURCE | CapabilitySet::SETPCAP;
    let sets = CapabilitySets { effective: needed, permitted: needed, inheritable: CapabilitySet::empty() };
    Ok(set_capabilities(None, sets)?)
}

/// What root has to have to make a user namespace in which it is root (user_namespaces(7)); worthless otherwise.
const TO_STAY_ROOT: CapabilitySet = CapabilitySet::SETFCAP;

/// Gives up every capability for good, but for what making cells takes.
pub(super) fn drop_most_capabilities() -> io::Result<String> {
    drop_all_but(TO_STAY_ROOT)
}

/// Gives up every capability for good. Root without them is an ordinary user that owns root's files; with them
/// it could read other processes' environments past Landlock.
pub(in crate::sandbox) fn drop_capabilities() -> io::Result<String> {
    drop_all_but(CapabilitySet::empty())
}

fn drop_all_but(kept: CapabilitySet) -> io::Result<String> {
    let had = capabilities(None)?;
    for capability in CapabilitySet::all().difference(kept).iter() {
        match capability_is_in_bounding_set(capability) {
            Ok(true) if had.effective.contains(CapabilitySet::SETPCAP) => {
                remove_capability_from_bounding_set(capability)?;
            }
            // An ordinary user can't shrink the bounding set, and needn't: no_new_privs keeps it out of reach. And
            // this kernel may not know every capability.
            Ok(_) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let left = had.permitted.intersection(kept);
    set_capabilities(None, CapabilitySets { effective: left, permitted: left, inheritable: CapabilitySet::empty() })?;
    if capabilities(None)?.permitted == left {
        Ok(if had.permitted.is_empty() { "there were none" } else { "all dropped" }.into())
    } else {
        Err(io::Error::other("the kernel took the request and ignored it"))
    }
}
