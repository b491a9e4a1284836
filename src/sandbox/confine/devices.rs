//! The devices in `/dev`: those that programs commonly open, and none that holds data of the machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_bind};

/// Devices shown unchanged. `tty` is the controlling terminal of whoever opens it; in the sandbox only tests have one,
/// by making it.
const SHOWN: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// New file systems, independent of the machine's.
const MADE: [(&str, &str, &str, &std::ffi::CStr); 3] = [
    ("pts", "devpts", "devpts", c"mode=0620,ptmxmode=0666,max=256"),
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

/// The machine's devices that may be written: no terminals and not `ptmx`, because the user's terminals are among them.
const OF_MACHINE: [&str; 7] = ["null", "zero", "full", "random", "urandom", "shm", "mqueue"];

/// Writable devices that exist, besides the run's folders. `own` says that they were made for the worker.
pub(super) fn writable(own: bool) -> Vec<PathBuf> {
    let made = MADE.map(|(name, ..)| name);
    let names: Vec<&str> =
        if own { SHOWN.into_iter().chain(made).chain(["ptmx"]).collect() } else { OF_MACHINE.to_vec() };
    let names = names.into_iter();
    names.map(|name| Path::new("/dev").join(name)).filter(|path| path.exists()).collect()
}

/// Fills the empty folder `place` with devices from `machine`. If the worker couldn't leave the user's session
/// (`on_terminal`), there is no `tty`: it would be the user's.
///
/// # Errors
/// If the kernel refuses a step; missing message queues are no error.
pub(super) fn make(machine: &Path, place: &Path, on_terminal: bool) -> io::Result<()> {
    for name in SHOWN.into_iter().filter(|name| *name != "tty" || !on_terminal) {
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
