//! Finds this process's cgroup, and tells which processes belong to kcode.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, getppid};

use crate::sandbox::{confine::mount_line, descendants};

/// The folder of this process's cgroup. `groups` is `/proc/self/cgroup`, `mounts` is `/proc/self/mountinfo`.
///
/// # Errors
/// If there is none of version 2, or it isn't visible here.
pub(super) fn own(groups: &str, mounts: &str) -> Result<PathBuf, String> {
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::")) else {
        return Err("the kernel's control groups are of version 1 here".into());
    };
    let hidden = || format!("the control group {path} isn't shown here");
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).ok_or_else(hidden)?;
    let (place, _) = mount_line(mount.as_bytes()).ok_or_else(hidden)?;
    let root = mount.split(' ').nth(3).ok_or_else(hidden)?;
    // A cgroup outside this namespace's root is shown with `..`.
    let below = Path::new(path).strip_prefix(root).ok().filter(|_| !path.contains("/.."));
    Ok(place.join(below.ok_or_else(hidden)?))
}

/// Whether a process may be moved: the broker, which started this one, or one of the broker's descendants.
pub(super) fn is_ours(process: &str) -> bool {
    let (mut at, broker) = (process.parse().ok().and_then(Pid::from_raw), getppid());
    while let Some(pid) = at
        && at != broker
    {
        at = descendants::parent(pid);
    }
    at.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 8:1 / / rw - ext4 /dev/sda rw\n\
                          30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_folder_is_found_below_the_mount() {
        let groups = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n";
        let own = own(groups, MOUNTS).unwrap();
        assert!(own.starts_with("/sys/fs/cgroup/user.slice") && own.ends_with("run-r1.scope"), "{}", own.display());
        assert_eq!(super::own("4:memory:/a\n0::/\n", MOUNTS).unwrap(), Path::new("/sys/fs/cgroup/"));
    }

    #[test]
    fn whoever_the_parent_started_is_ours() {
        let own = rustix::process::getpid().to_string();
        assert!(is_ours(&own) && getppid().is_some_and(|broker| is_ours(&broker.to_string())));
        assert!(!is_ours("1") && !is_ours("0") && !is_ours("x"));
    }

    #[test]
    fn a_container_shows_a_part_of_the_tree() {
        let mounts = MOUNTS.replace("0:26 / ", "0:26 /docker/1 ");
        assert_eq!(own("0::/docker/1/x\n", &mounts).unwrap(), Path::new("/sys/fs/cgroup/x"));
        for elsewhere in ["0::/docker/2\n", "0::/../other\n"] {
            assert!(own(elsewhere, &mounts).unwrap_err().contains("isn't shown"));
        }
    }

    #[test]
    fn without_version_2_there_is_none() {
        assert!(own("9:memory:/\n1:name=systemd:/\n", MOUNTS).unwrap_err().contains("version 1"));
        assert!(own("0::/x\n", "22 1 8:1 / / rw - ext4 /dev/sda rw\n").unwrap_err().contains("isn't shown"));
    }
}
