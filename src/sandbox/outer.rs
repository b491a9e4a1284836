//! The worker's outermost process as the broker sees it: when it ends, the connection is closed, which ends the rest of
//! the worker.

use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

/// Longest wait for a killed process to be gone. Only one that is blocked in the kernel takes longer.
const KILL_LIMIT: Duration = Duration::from_secs(1);

/// A process that is watched from start to end.
#[derive(Debug)]
pub(super) struct Outer {
    handle: OwnedFd,
    ended: watch::Receiver<Option<ProcessEnd>>,
}

#[derive(Clone, Debug)]
pub(super) struct ProcessEnd {
    pub(super) words: String,
    pub(super) code: Option<i32>,
}

impl Outer {
    /// Watches `child`. When it ends, `connection` is shut down, which ends the host if it is still there.
    ///
    /// # Errors
    /// If the child is gone already, or no descriptor is left for it.
    pub(super) fn watch(mut child: Child, connection: UnixStream) -> io::Result<Self> {
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let handle = pidfd_open(pid.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            // It may be shut down already.
            let _ = connection.shutdown(Shutdown::Both);
            let code = status.as_ref().ok().and_then(ExitStatus::code);
            let words = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            // The receiver may be gone.
            let _ = tell.send(Some(ProcessEnd { words, code }));
        });
        Ok(Self { handle, ended })
    }

    /// How it ended; `None` if it is still running after `limit`.
    pub(super) async fn end(&self, limit: Duration) -> Option<ProcessEnd> {
        let mut ended = self.ended.clone();
        let ended = timeout(limit, ended.wait_for(Option::is_some)).await;
        ended.ok()?.ok()?.clone()
    }

    /// Kills it; returns false if it survives.
    pub(super) async fn kill(&self) -> bool {
        // It may be gone already.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        self.end(KILL_LIMIT).await.is_some()
    }
}
