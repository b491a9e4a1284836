//! Descriptors that kcode inherited when it was started: they must not reach a command.

use std::fs::File;
use std::io;

/// The first descriptor after standard input, output and error.
const FIRST: libc::c_uint = 3;

/// Sets close-on-exec for inherited descriptors; those that kcode opens have it already.
///
/// # Errors
/// If the kernel can't; Linux 5.11 can.
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    close_range(FIRST, libc::CLOSE_RANGE_CLOEXEC as libc::c_int)
}

/// Closes all of them, in a copy that never returns to the code that opened them.
///
/// # Errors
/// If the kernel can't.
pub(super) fn close_all() -> io::Result<()> {
    close_range(FIRST, 0)
}

/// Whether the kernel can close a range; Linux 5.9 can.
pub(super) fn can_close_all() -> bool {
    close_range(libc::c_uint::MAX, 0).is_ok()
}

#[expect(unsafe_code, reason = "no crate wraps this call")]
fn close_range(first: libc::c_uint, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: the call takes numbers only. With the flag it closes nothing of this process, and who calls it without
    // has no use for what is closed.
    let done = unsafe { libc::close_range(first, libc::c_uint::MAX, flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Replaces standard input, output and error: they belong to a command and would stay open with this process.
pub(super) fn let_go_of_output() -> io::Result<()> {
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(rustix::stdio::dup2_stderr(&nowhere)?)
}
