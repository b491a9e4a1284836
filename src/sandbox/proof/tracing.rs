//! The two ways to look into another process, which nobody but the proof takes here.

use std::io;

use rustix::process::Pid;

/// Attaches to a process without stopping it; the kernel detaches when this process ends.
///
/// # Errors
/// When the kernel refuses, which is hoped for.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
pub(super) fn attach(process: Pid) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: this request takes no memory, only numbers.
    let done = unsafe { libc::ptrace(libc::PTRACE_SEIZE, process.as_raw_nonzero().get(), none, none) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads a byte of a process's memory, at an address where there is nothing.
///
/// # Errors
/// `EFAULT` when the kernel looked there, anything else when it refused, which is hoped for.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
pub(super) fn peek(process: Pid) -> io::Result<()> {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: std::ptr::from_mut(&mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 1 };
    // SAFETY: the kernel writes at most one byte into `byte`, which outlives the call; it checks the other address.
    let read =
        unsafe { libc::process_vm_readv(process.as_raw_nonzero().get(), &raw const local, 1, &raw const remote, 1, 0) };
    if read == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
