//! Work that a copy of this process does while the process goes on: a search, which would hold up everything else.
//!
//! A thread wouldn't do, as whoever has threads can't enter namespaces of users. The copy has the rights and namespaces that this process has
//! at that moment, does nothing but its work, and ends with this process.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::retry_on_intr;
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, set_parent_process_death_signal, waitid,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fork;

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
        let (result, mut writer) = io::pipe()?;
        match fork::fork()? {
            Some(copy) => Ok(Self { copy: Copy(pidfd_open(copy, PidfdFlags::empty())?), result }),
            None => fork::end(|| u8::from(do_and_tell(work, &mut writer).is_err())),
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

/// Runs `work` in the copy and sends its result.
fn do_and_tell<T: Serialize>(work: impl FnOnce() -> T, writer: &mut PipeWriter) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let bytes = serde_json::to_vec(&work())?;
    writer.write_all(&bytes)
}
