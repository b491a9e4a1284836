//! The mounts of a command's PID namespace: its own `/proc`, in which only its own processes are writable, and shared
//! memory and message queues that end with the command.

use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind, mount_remount};
use rustix::system::uname;

use crate::sandbox::{confine::PROCESSES, kernel_files};

/// Since this kernel version `pid_max` belongs to the PID namespace; before, it is the machine's.
const OWN_PID_MAX: (u32, u32) = (6, 14);
/// A command gets this fraction of a user's limit.
const OF_USER: u64 = 4;
const SHARED: &str = "/dev/shm";
/// Like the machine's own, but bounded.
const SHARED_MEMORY: &std::ffi::CStr = c"mode=1777,size=1g";
const DEVICELESS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);
/// No set-id programs, devices or executables on these mounts.
const FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// Makes the mounts for a command that starts in the view at `view`. Must be called by the first process of the PID
/// namespace.
///
/// # Errors
/// If the kernel refuses a step.
pub(super) fn make(view: &Path) -> io::Result<()> {
    mount("proc", "/proc", "proc", FLAGS, c"").map_err(|error| named("mounting /proc", error))?;
    if kernel().is_some_and(|version| version >= OWN_PID_MAX) {
        fs::write("/proc/sys/kernel/pid_max", PROCESSES.to_string())?;
    }
    make_shared(view)?;
    bound_watches()?;
    // Forbids nested user namespaces, in addition to seccomp.
    fs::write("/proc/sys/user/max_user_namespaces", "0")?;
    for place in kernel_files::writable()? {
        seal(&place).map_err(|error| named(&format!("sealing {}", place.display()), error))?;
    }
    Ok(())
}

/// Mounts what programs share by name: a tmpfs, and the message queues of this IPC namespace.
fn make_shared(view: &Path) -> io::Result<()> {
    // The mount would hide a tree that lies there; the sandbox's own then serves all of its commands.
    if !view.starts_with(SHARED) {
        mount("tmpfs", SHARED, "tmpfs", DEVICELESS, SHARED_MEMORY)
            .map_err(|error| named("mounting /dev/shm", error))?;
    }
    // A kernel without message queues has no such folder.
    match mount("mqueue", "/dev/mqueue", "mqueue", FLAGS, c"") {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(named("mounting /dev/mqueue", error)),
    }
}

/// Bounds what the kernel counts per user across namespaces (file watches): a command gets a part, so that the user's
/// editor keeps the rest.
fn bound_watches() -> io::Result<()> {
    for (of_user, of_namespace) in [("instances", "max_inotify_instances"), ("watches", "max_inotify_watches")] {
        let all = fs::read_to_string(format!("/proc/sys/fs/inotify/max_user_{of_user}"));
        // A kernel without this limit has nothing to bound.
        let Ok(all) = all.map(|all| all.trim().parse::<u64>().unwrap_or_default()) else { continue };
        fs::write(format!("/proc/sys/user/{of_namespace}"), (all / OF_USER).max(1).to_string())?;
    }
    Ok(())
}

/// Makes the logs' folder read-only for the command.
///
/// # Errors
/// If the kernel refuses.
pub(super) fn seal_logs(logs: &Path) -> io::Result<()> {
    seal(logs).map_err(|error| named("sealing the logs", error))
}

/// Makes a path read-only. Root owns the kernel's settings even without capabilities, so only a read-only mount
/// protects them.
fn seal(path: &Path) -> Result<(), Errno> {
    mount_bind(path, path)?;
    mount_remount(path, MountFlags::BIND | MountFlags::RDONLY | FLAGS, c"")
}

fn named(step: &str, error: Errno) -> io::Error {
    io::Error::other(format!("{step}: {}", io::Error::from(error)))
}

/// Major and minor version of the running kernel.
fn kernel() -> Option<(u32, u32)> {
    version(uname().release().to_str().ok()?)
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_releases_are_compared_by_number() {
        assert_eq!(version("6.18.44-generic"), Some((6, 18)));
        assert_eq!(version("6.14-rc1"), Some((6, 14)));
        assert!(version("5.15.0").unwrap() < OWN_PID_MAX && version("10.1").unwrap() > OWN_PID_MAX);
        assert_eq!(version("unknown"), None);
    }
}
