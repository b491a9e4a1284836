//! The outer process of a worker, as the broker sees it: whoever ends it ends the connection, and with that all of the worker.

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

/// How long a process may take to be gone once it was killed. Only one that the kernel holds on to takes longer.
const KILL_LIMIT: Duration = Duration::from_secs(1);

/// A process that is watched from its start to its end.
#[derive(Debug)]
pub(super) struct Outer {
    handle: OwnedFd,
    ended: watch::Receiver<Option<ProcessEnd>>,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub(super) struct ProcessEnd {
    pub(super) words: String,
    pub(super) code: Option<i32>,
}

impl Outer {
    /// Watches `child`. When it ends, `connection` is cut: the host, which may still be there, ends then.
    ///
    /// # Errors
    /// When it is gone already, or no descriptor is left for it.
    pub(super) fn watch(mut child: Child, connection: UnixStream) -> io::Result<Self> {
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let handle = pidfd_open(pid.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await;
            // It may be cut already.
            let _ = connection.shutdown(Shutdown::Both);
            let code = status.as_ref().ok().and_then(ExitStatus::code);
            let words = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            // Nobody may be left who wants to know.
            let _ = tell.send(Some(ProcessEnd { words, code }));
        });
        Ok(Self { handle, ended })
    }

    /// How it ended, if it does before `limit`.
    pub(super) async fn end(&self, limit: Duration) -> Option<ProcessEnd> {
        let mut ended = self.ended.clone();
        let ended = timeout(limit, ended.wait_for(Option::is_some)).await;
        ended.ok()?.ok()?.clone()
    }

    /// Kills it; false when it is there all the same.
    pub(super) async fn kill(&self) -> bool {
        // It may be gone by now, which is what is wanted.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        self.end(KILL_LIMIT).await.is_some()
    }
}
