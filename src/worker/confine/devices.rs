//! Which devices there are: those that programs open without a thought, and none that holds data of the machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_bind};

/// Shown as they are.
const SHOWN: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Made anew, with nothing of the machine in them.
const MADE: [(&str, &str, &str, &std::ffi::CStr); 3] = [
    ("pts", "devpts", "devpts", c"mode=0620,ptmxmode=0666"),
    ("shm", "tmpfs", "tmpfs", c"mode=1777,size=1g"),
    ("mqueue", "mqueue", "mqueue", c""),
];
/// Links that programs expect.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// All of them that are there: what may be written beside the run's own folders.
pub(super) fn writable() -> Vec<PathBuf> {
    let made = MADE.map(|(name, ..)| name);
    let names = SHOWN.into_iter().chain(made).chain(["ptmx"]);
    names.map(|name| Path::new("/dev").join(name)).filter(|path| path.exists()).collect()
}

/// Fills the empty folder `place`; the machine's own devices are in `machine`.
///
/// # Errors
/// When the kernel refuses a step. One that doesn't know message queues is none.
pub(super) fn make(machine: &Path, place: &Path) -> io::Result<()> {
    for name in SHOWN {
        let (from, to) = (machine.join(name), place.join(name));
        if from.exists() {
            drop(File::create_new(&to)?);
            mount_bind(from, to)?;
        }
    }
    for (name, source, kind, options) in MADE {
        let folder = place.join(name);
        fs::create_dir(&folder)?;
        let mounted = mount(source, &folder, kind, MountFlags::NOSUID | MountFlags::NOEXEC, options);
        match mounted {
            Err(rustix::io::Errno::NODEV) => fs::remove_dir(folder)?,
            other => other?,
        }
    }
    for (name, target) in LINKS {
        symlink(target, place.join(name))?;
    }
    Ok(())
}
