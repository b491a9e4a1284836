//! System calls that no library offers, for the attacker: this is the only unsafe code of these tests.

use std::io;

/// A system call with up to six arguments.
#[expect(unsafe_code, reason = "there is no safe way to make a call that has to be refused")]
pub fn call(number: libc::c_long, arguments: &[usize]) -> io::Result<libc::c_long> {
    let it = |at: usize| arguments.get(at).copied().unwrap_or_default();
    // SAFETY: every caller passes numbers, null, or addresses of buffers that live until the call returns.
    let result = unsafe { libc::syscall(number, it(0), it(1), it(2), it(3), it(4), it(5)) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Whether the kernel would do it: it may object to the arguments, but not to the caller.
pub fn is_allowed(number: libc::c_long, arguments: &[usize]) -> bool {
    match call(number, arguments) {
        Ok(_) => true,
        Err(error) => !matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES | libc::ENOSYS)),
    }
}
