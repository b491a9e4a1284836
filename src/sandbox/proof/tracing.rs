//! Two ways to access another process's memory, used only by the proof.

use std::io;

use rustix::process::Pid;

/// Attaches to a process without stopping it; the kernel detaches when this process ends.
///
/// # Errors
/// If the kernel refuses, which is hoped for.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
pub(super) fn attach(process: Pid) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request accesses no memory.
    let done = unsafe { libc::ptrace(libc::PTRACE_SEIZE, process.as_raw_nonzero().get(), none, none) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads a byte of a process's memory at an unmapped address.
///
/// # Errors
/// `EFAULT` if the kernel tried, anything else if it refused, which is hoped for.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
pub(super) fn peek(process: Pid) -> io::Result<()> {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: std::ptr::from_mut(&mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 1 };
    // SAFETY: the kernel writes at most one byte into `byte`, which outlives the call, and checks the other address.
    let read =
        unsafe { libc::process_vm_readv(process.as_raw_nonzero().get(), &raw const local, 1, &raw const remote, 1, 0) };
    if read == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
