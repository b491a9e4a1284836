//! Runs work in a forked copy of this process while the process goes on, such as a search that would delay everything
//! else.
//!
//! A thread wouldn't do, because a process with threads can't enter user namespaces. The copy has the privileges and
//! namespaces of that moment, does only its work, and ends with this process.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::retry_on_intr;
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fork;

/// Work in a copy whose result hasn't been read yet.
#[derive(Debug)]
pub(super) struct SideProcess {
    copy: Copy,
    result: PipeReader,
}

/// A pidfd of the copy, which is killed when this is dropped. Its PID may have been reused by then.
#[derive(Debug)]
struct Copy(OwnedFd);

impl SideProcess {
    /// Forks a copy that does `work`; this process must have a single thread.
    ///
    /// # Errors
    /// If it has more threads, or the kernel refuses the fork.
    pub(super) fn start<T: Serialize>(work: impl FnOnce() -> T) -> io::Result<Self> {
        let (result, mut writer) = io::pipe()?;
        match fork::fork()? {
            Some(copy) => Ok(Self { copy: Copy(pidfd_open(copy, PidfdFlags::empty())?), result }),
            None => fork::end(|| u8::from(do_and_tell(work, &mut writer).is_err())),
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// If the copy was killed or couldn't send the result.
    pub(super) fn finish<T: DeserializeOwned>(mut self) -> io::Result<T> {
        let mut bytes = Vec::new();
        self.result.read_to_end(&mut bytes)?;
        drop(self.copy);
        Ok(serde_json::from_slice(&bytes)?)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
        let _ = retry_on_intr(|| waitid(WaitId::PidFd(self.0.as_fd()), WaitIdOptions::EXITED));
    }
}

/// Runs `work` in the copy and sends its result.
fn do_and_tell<T: Serialize>(work: impl FnOnce() -> T, writer: &mut PipeWriter) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let bytes = serde_json::to_vec(&work())?;
    writer.write_all(&bytes)
}
