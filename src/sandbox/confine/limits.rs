//! Resource limits and capabilities: small layers that need no kernel configuration.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, remove_capability_from_bounding_set,
    set_capabilities,
};

use crate::sandbox::kernel_files::entry;

/// Largest file in bytes that a command may write: stops a runaway log, not a build artefact.
const FILE_SIZE: u64 = 16 * GIB;
/// Open files per process; runtimes raise their own limit up to it.
const OPEN_FILES: u64 = 65_536;
/// Least memory in bytes granted to a process; large machines grant half of theirs.
const MEMORY: u64 = 4 * GIB;
/// Most processes and threads in a command's PID namespace: more than any build needs, but it stops a fork bomb.
pub(in crate::sandbox) const PROCESSES: u64 = 4096;
const GIB: u64 = 1 << 30;
/// Whether the kernel overcommits memory (proc_sys_vm(5)).
const OVERCOMMIT: &str = "/proc/sys/vm/overcommit_memory";
/// Commands' `oom_score_adj`, from 0 to 1000: the kernel kills them before the user's own programs.
const FIRST_TO_GO: &str = "800";

/// Lowers the limits of this process and its children. Lower limits stay unchanged.
pub(super) fn set() -> io::Result<String> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, FILE_SIZE)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    // Neither address space nor data is limited: WebAssembly, the JVM and sanitizers reserve far more than they use,
    // and the watch checks actual use. Only without overcommit, where reserved memory is missing elsewhere, data is.
    if fs::read_to_string(OVERCOMMIT).is_ok_and(|mode| mode.trim() == "2") {
        lower(Resource::Data, memory_limit())?;
    }
    // Counted per user over all processes; the user keeps the other half.
    halve(Resource::Sigpending)?;
    halve(Resource::Msgqueue)?;
    let (memory, file) = (memory_limit() / GIB, FILE_SIZE / GIB);
    Ok(format!("a process gets {memory} GiB of memory, files of {file} GiB, {OPEN_FILES} open files, no core dumps"))
}

/// Limits the processes of a PID namespace. Elsewhere the limit would count all processes of the user.
pub(in crate::sandbox) fn limit_pid_namespace() -> io::Result<()> {
    lower(Resource::Nproc, PROCESSES)
}

/// Makes the kernel kill this process and its children first if memory runs out before the watch notices.
pub(in crate::sandbox) fn go_first() {
    // A kernel without this file has no such order.
    let _ = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
}

/// Bytes of memory that a process may use, and a whole command if its processes are limited together.
pub(in crate::sandbox) fn memory_limit() -> u64 {
    MEMORY.max(physical_memory() / 2)
}

/// In bytes; 0 if unknown.
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

/// Keeps only the capabilities that a command's first process needs to mount and set limits, until it drops them too.
pub(super) fn keep_capabilities_of_pid_namespace() -> io::Result<()> {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_RESOURCE | CapabilitySet::SETPCAP;
    let sets = CapabilitySets { effective: needed, permitted: needed, inheritable: CapabilitySet::empty() };
    Ok(set_capabilities(None, sets)?)
}

/// Needed by root to create a user namespace in which it stays root (user_namespaces(7)); useless otherwise.
const TO_STAY_ROOT: CapabilitySet = CapabilitySet::SETFCAP;

/// Drops every capability for good, except for what creating namespaces for commands takes.
pub(super) fn drop_most_capabilities() -> io::Result<String> {
    drop_all_but(TO_STAY_ROOT)
}

/// Drops every capability for good. Root without capabilities is an ordinary user that owns root's files; with them it
/// could read other processes' environments despite Landlock.
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
            // An ordinary user can't reduce the bounding set, and no_new_privs makes it unreachable. This kernel may
            // also not know every capability.
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
