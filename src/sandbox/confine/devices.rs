//! Which devices there are: those that programs open without a thought, and none that holds data of the machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_bind};

/// Shown as they are. `tty` is the controlling terminal of whoever opens it: nobody's inside, but of tests that make one.
const SHOWN: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Made anew, with nothing of the machine in them.
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

/// Of the machine's those that may be written: neither a terminal nor what makes one, as the user's are among them.
const OF_MACHINE: [&str; 7] = ["null", "zero", "full", "random", "urandom", "shm", "mqueue"];

/// Those that are there and may be written beside the run's own folders. `own` says that they were made for the worker.
pub(super) fn writable(own: bool) -> Vec<PathBuf> {
    let made = MADE.map(|(name, ..)| name);
    let names: Vec<&str> =
        if own { SHOWN.into_iter().chain(made).chain(["ptmx"]).collect() } else { OF_MACHINE.to_vec() };
    let names = names.into_iter();
    names.map(|name| Path::new("/dev").join(name)).filter(|path| path.exists()).collect()
}

/// Fills the empty folder `place`; the machine's own devices are in `machine`. Where the worker is `on_terminal`, as it
/// couldn't leave the user's session, there is no `tty`: it would be the user's.
///
/// # Errors
/// When the kernel refuses a step. One that doesn't know message queues is none.
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
