//! Descriptors that whoever started kcode left open: they must not reach a command.

use std::io;

/// The first that isn't standard input, output or error.
const FIRST: libc::c_uint = 3;

/// Has the kernel close them when this process starts another program. Those that kcode opens close themselves then.
///
/// # Errors
/// When the kernel doesn't know how; Linux 5.11 does.
#[expect(unsafe_code, reason = "no crate wraps this call with its flag")]
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    // SAFETY: the call takes numbers only, and with this flag it closes nothing of this process.
    let done = unsafe { libc::close_range(FIRST, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
