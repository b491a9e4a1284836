//! What a cell's first process mounts: a `/proc` of its own, in which only the cell's processes can be written, and shared
//! memory and message queues that end with the command.

use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind, mount_remount};
use rustix::system::uname;

use crate::sandbox::{confine::PROCESSES, kernel_files};

/// From this kernel on `pid_max` belongs to the process namespace. Before, it is the machine's.
const OWN_PID_MAX: (u32, u32) = (6, 14);
/// One part in so many of what a user may have is a command's.
const OF_USER: u64 = 4;
const SHARED: &str = "/dev/shm";
/// As a machine's own, but bounded.
const SHARED_MEMORY: &std::ffi::CStr = c"mode=1777,size=1g";
const DEVICELESS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);
/// Nothing may be set or run through these.
const FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// Mounts it, for a command that starts in the view at `view`. The calling process has to be the first of its process namespace.
///
/// # Errors
/// When the kernel refuses a step.
pub(super) fn make(view: &Path) -> io::Result<()> {
    mount("proc", "/proc", "proc", FLAGS, c"").map_err(|error| named("mounting /proc", error))?;
    if kernel().is_some_and(|version| version >= OWN_PID_MAX) {
        fs::write("/proc/sys/kernel/pid_max", PROCESSES.to_string())?;
    }
    make_shared(view)?;
    bound_watches()?;
    // Besides seccomp's word against it: no user namespaces below this one.
    fs::write("/proc/sys/user/max_user_namespaces", "0")?;
    for place in kernel_files::writable()? {
        seal(&place).map_err(|error| named(&format!("sealing {}", place.display()), error))?;
    }
    Ok(())
}

/// What programs share by name: a file system of memory, and one that shows the message queues of this IPC namespace.
fn make_shared(view: &Path) -> io::Result<()> {
    // A tree that lies there would be covered; the sandbox's own then serves for all of its commands.
    if !view.starts_with(SHARED) {
        mount("tmpfs", SHARED, "tmpfs", DEVICELESS, SHARED_MEMORY)
            .map_err(|error| named("mounting /dev/shm", error))?;
    }
    // A kernel without such queues has no such folder.
    match mount("mqueue", "/dev/mqueue", "mqueue", FLAGS, c"") {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(named("mounting /dev/mqueue", error)),
    }
}

/// What the kernel counts for a user in all namespaces together: a command gets a part of it, and the user's editor keeps
/// the rest.
fn bound_watches() -> io::Result<()> {
    for (of_user, of_cell) in [("instances", "max_inotify_instances"), ("watches", "max_inotify_watches")] {
        let all = fs::read_to_string(format!("/proc/sys/fs/inotify/max_user_{of_user}"));
        // A kernel without it has nothing to be bounded.
        let Ok(all) = all.map(|all| all.trim().parse::<u64>().unwrap_or_default()) else { continue };
        fs::write(format!("/proc/sys/user/{of_cell}"), (all / OF_USER).max(1).to_string())?;
    }
    Ok(())
}

/// Makes the folder of logs read-only for the command.
///
/// # Errors
/// When the kernel refuses it.
pub(super) fn seal_logs(logs: &Path) -> io::Result<()> {
    seal(logs).map_err(|error| named("sealing the logs", error))
}

/// Root without capabilities still owns the kernel's settings, so that only a read-only mount keeps it from them.
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
