//! Sets options of a whole tree of mounts at once (mount_setattr(2)).

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Options of a sealed mount: read-only, no devices, no set-id programs.
const SHUT: [(&str, u64); 3] =
    [("ro", libc::MOUNT_ATTR_RDONLY), ("nodev", libc::MOUNT_ATTR_NODEV), ("nosuid", libc::MOUNT_ATTR_NOSUID)];

/// Seals `place` and every mount below it: all of them or none.
///
/// # Errors
/// If the kernel is older than 5.12, or refuses one of them.
pub(super) fn seal_all(place: &Path) -> io::Result<()> {
    let set = SHUT.iter().map(|(_, bit)| bit).sum();
    change(place, libc::AT_RECURSIVE as u32, set, 0)
}

/// Makes `place` and every mount below it read-only.
///
/// # Errors
/// As [`seal_all`].
pub(super) fn close_for_writing(place: &Path) -> io::Result<()> {
    change(place, libc::AT_RECURSIVE as u32, libc::MOUNT_ATTR_RDONLY, 0)
}

/// Undoes [`seal_all`] for the mount at `place`, which had these `options` (proc_pid_mountinfo(5)).
///
/// # Errors
/// If the kernel refuses.
pub(super) fn restore(place: &Path, options: &str) -> io::Result<()> {
    let had = |name: &str| options.split(',').any(|option| option == name);
    let clear = SHUT.iter().filter(|(name, _)| !had(name)).map(|(_, bit)| bit).sum();
    match change(place, 0, 0, clear) {
        // A mount under another mount can't be named, and nobody can reach it.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOENT)) => Ok(()),
        other => other,
    }
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn change(place: &Path, flags: u32, set: u64, clear: u64) -> io::Result<()> {
    let place = CString::new(place.as_os_str().as_bytes())?;
    let wanted = libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 };
    // SAFETY: the path ends in a zero byte, the kernel reads as many bytes of `wanted` as it is told, and both outlive
    // the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            place.as_ptr(),
            flags,
            &raw const wanted,
            size_of::<libc::mount_attr>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
