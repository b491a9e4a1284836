//! Attempts to signal other processes and to change their limits and scheduling. An attempt that succeeds sets the
//! value that was there before.

use std::io;

use rustix::process::{Pid, test_kill_process};

use super::attempts::AttemptResult;

/// `which` of ioprio_set(2) for a process.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
/// Bits for more processors than machines have.
const PROCESSORS: usize = 1024;

type Attempt = fn(libc::pid_t) -> io::Result<()>;

/// Makes each attempt on all processes in `outside`.
pub(super) fn attempts(outside: &[Pid], mut add: impl FnMut(&str, AttemptResult)) {
    let all: [(&str, Attempt); 6] = [
        ("signal kcode", signal),
        ("change the limits of kcode", limit),
        ("change the priority of kcode", prioritise),
        ("change the priority of what kcode reads and writes", prioritise_disk),
        ("change how kcode is scheduled", schedule),
        ("change the processors that kcode runs on", pin),
    ];
    for (name, attempt) in all {
        let tried = outside.iter().map(|pid| attempt(pid.as_raw_nonzero().get()));
        let hidden = || io::Error::other("there is no such process in sight");
        add(name, tried.reduce(Result::or).unwrap_or_else(|| Err(hidden())).map(|()| "it worked"));
    }
}

fn signal(pid: libc::pid_t) -> io::Result<()> {
    let process = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(test_kill_process(process)?)
}

fn judge(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[expect(unsafe_code, reason = "rustix sets a limit only without asking for it first")]
fn limit(pid: libc::pid_t) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes to one of the two structures and reads the other; both outlive the calls.
    unsafe {
        let asked = libc::prlimit(pid, libc::RLIMIT_CORE, std::ptr::null(), &raw mut now);
        // A process that may not read the limits may still be able to set them.
        let new = if asked == 0 { now } else { libc::rlimit { rlim_cur: 0, rlim_max: libc::RLIM_INFINITY } };
        judge(libc::prlimit(pid, libc::RLIMIT_CORE, &raw const new, std::ptr::null_mut()).into())?;
    }
    Ok(())
}

fn prioritise(pid: libc::pid_t) -> io::Result<()> {
    let process = Pid::from_raw(pid);
    let now = rustix::process::getpriority_process(process)?;
    Ok(rustix::process::setpriority_process(process, now)?)
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn prioritise_disk(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: these calls take only numbers.
    unsafe {
        let now = judge(libc::syscall(libc::SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid))?;
        judge(libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, now))?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn schedule(pid: libc::pid_t) -> io::Result<()> {
    let mut now = libc::sched_param { sched_priority: 0 };
    // SAFETY: the kernel writes to and reads from `now` alone, which outlives the calls.
    unsafe {
        let policy = judge(libc::syscall(libc::SYS_sched_getscheduler, pid))?;
        judge(libc::syscall(libc::SYS_sched_getparam, pid, &raw mut now))?;
        judge(libc::syscall(libc::SYS_sched_setscheduler, pid, policy, &raw const now))?;
    }
    Ok(())
}

#[expect(unsafe_code, reason = "rustix has it for fewer processors than a machine may have")]
fn pin(pid: libc::pid_t) -> io::Result<()> {
    let mut now = [0_u8; PROCESSORS];
    // SAFETY: the kernel writes at most as many bytes as `now` has, and reads as many as it wrote.
    unsafe {
        let size = judge(libc::syscall(libc::SYS_sched_getaffinity, pid, now.len(), now.as_mut_ptr()))?;
        judge(libc::syscall(libc::SYS_sched_setaffinity, pid, size, now.as_ptr()))?;
    }
    Ok(())
}
