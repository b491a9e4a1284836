//! Work that a copy of this process does while the process goes on: a search, which would hold up everything else.
//!
//! A thread wouldn't do, as whoever has threads can't enter namespaces of users. The copy has the rights and namespaces that this process has
//! at that moment, does nothing but its work, and ends with this process.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, set_parent_process_death_signal,
    waitid,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long the kernel may take for a thread that has ended; it takes microseconds.
const PUT_AWAY: Duration = Duration::from_millis(100);

/// The work, as long as nobody has asked for what came of it.
#[derive(Debug)]
pub(super) struct SideProcess {
    copy: Copy,
    result: PipeReader,
}

/// A process that is gone with this value. Somebody else may have waited for it by then, so that its number says nothing.
#[derive(Debug)]
struct Copy(OwnedFd);

impl SideProcess {
    /// Has `work` done by a copy of this process, which has to have a single thread.
    ///
    /// # Errors
    /// When it has more of them, or the kernel refuses another process.
    pub(super) fn start<T: Serialize>(work: impl FnOnce() -> T) -> io::Result<Self> {
        let (result, writer) = io::pipe()?;
        // In a copy all but one would be missing, in the middle of something.
        if !has_one_thread()? {
            return Err(io::Error::other("a process with threads can't be copied"));
        }
        match fork()? {
            Some(copy) => Ok(Self { copy: Copy(pidfd_open(copy, PidfdFlags::empty())?), result }),
            None => finish(work, writer),
        }
    }

    /// Waits for what came of it.
    ///
    /// # Errors
    /// When the copy was killed, or could not say it.
    pub(super) fn finish<T: DeserializeOwned>(mut self) -> io::Result<T> {
        let mut bytes = Vec::new();
        self.result.read_to_end(&mut bytes)?;
        drop(self.copy);
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // One that was waited for is gone, which is what is wanted.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
        let _ = retry_on_intr(|| waitid(WaitId::PidFd(self.0.as_fd()), WaitIdOptions::EXITED));
    }
}

/// A thread that has ended and was waited for still counts until the kernel has put it away.
fn has_one_thread() -> io::Result<bool> {
    let limit = Instant::now() + PUT_AWAY;
    // A folder's links: its name, itself, and the folders in it, which are one a thread (proc_pid_task(5)).
    while fs::metadata("/proc/self/task")?.nlink() != 3 {
        if Instant::now() > limit {
            return Ok(false);
        }
        thread::sleep(Duration::from_micros(20));
    }
    Ok(true)
}

/// `None` in the copy.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: this process has one thread, so that all of its memory is in the copy as it is, no lock of which anybody holds.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        copy => Ok(Pid::from_raw(copy)),
    }
}

/// In the copy: it returns to nobody, and drops nothing that belongs to this process as well.
#[expect(clippy::exit, reason = "whoever called this goes on in another process")]
fn finish<T: Serialize>(work: impl FnOnce() -> T, mut writer: PipeWriter) -> ! {
    let work = AssertUnwindSafe(|| {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let bytes = serde_json::to_vec(&work())?;
        writer.write_all(&bytes)
    });
    let is_done = catch_unwind(work).is_ok_and(|written: io::Result<()>| written.is_ok());
    std::process::exit(i32::from(!is_done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_not_copied() {
        let (begun, wait) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || wait.recv());
        assert!(SideProcess::start(|| 1).is_err());
        drop(begun);
        assert!(thread.join().unwrap().is_err());
    }
}
