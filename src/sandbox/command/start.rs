//! Starting a command: in a cell, or in a domain of its own where cells can't be had.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, setpgid, waitpid};

use super::cell::{self, DOOR};
use super::enter::ENTER;
use super::launch_request::{FromKeeper, LaunchRequest, ToKeeper, tell};
use crate::sandbox::{SUBCOMMAND, descendants, descriptors, fork, protocol::receive};

/// How long the kernel may take to empty a cell; it takes milliseconds.
const CLOSE_LIMIT: Timespec = Timespec { tv_sec: 3, tv_nsec: 0 };

/// A command that was started.
pub(super) struct Started {
    /// The process that this one has to wait for: the command, or its cell's door.
    child: Pid,
    /// A descriptor of the same.
    handle: OwnedFd,
    /// Where the command's cell speaks, if it has one.
    connection: UnixStream,
    in_cell: bool,
}

/// How a command ended.
pub(super) enum CommandEnd {
    Status(ExitStatus),
    /// There was no cell for it to begin in.
    NoCell(String),
}

/// A process that waits to be told of its command; if that is to have a cell, it makes it meanwhile.
pub(super) struct Waiting {
    started: Started,
    pipe: io::PipeReader,
}

impl Waiting {
    /// Starts it.
    pub(super) fn start(in_cell: bool) -> io::Result<Self> {
        let (pipe, writer) = io::pipe()?;
        let (connection, theirs) = UnixStream::pair()?;
        let child = Command::new("/proc/self/exe")
            .args([SUBCOMMAND, if in_cell { DOOR } else { ENTER }])
            .stdin(OwnedFd::from(theirs))
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        Self::of(Pid::from_child(&child), connection, pipe, in_cell)
    }

    /// The same for a cell, by a copy of this process, which has to have a single thread.
    pub(super) fn copy() -> io::Result<Self> {
        if !descriptors::can_close_all() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (pipe, writer) = io::pipe()?;
        let (connection, theirs) = UnixStream::pair()?;
        let door = fork::start(DOOR, || {
            setpgid(None, None)?;
            rustix::stdio::dup2_stdin(&theirs)?;
            rustix::stdio::dup2_stdout(&writer)?;
            rustix::stdio::dup2_stderr(&writer)?;
            // What this process has open isn't its own, and nothing of it is used or closed again.
            descriptors::close_all()?;
            cell::open()
        })?;
        Self::of(door, connection, pipe, true)
    }

    fn of(child: Pid, connection: UnixStream, pipe: io::PipeReader, in_cell: bool) -> io::Result<Self> {
        let handle = pidfd_open(child, PidfdFlags::empty())?;
        Ok(Self { started: Started { child, handle, connection, in_cell }, pipe })
    }

    /// Has it start `errand`; the other part is where the output comes out.
    pub(super) fn run(self, request: LaunchRequest) -> (Started, io::PipeReader) {
        // A child that died before it could listen is noticed as one that died.
        let _ = tell(&self.started.connection, &ToKeeper::Run(Box::new(request)));
        (self.started, self.pipe)
    }

    /// Ends it, as there is no command for it after all.
    pub(super) fn give_up(mut self) {
        // What is left of it ends with the worker.
        let _ = self.started.end();
    }
}

impl Started {
    /// Becomes readable when the command ends.
    pub(super) fn exit(&self) -> BorrowedFd<'_> {
        if self.in_cell { self.connection.as_fd() } else { self.handle.as_fd() }
    }

    /// Asks the command's process group to end.
    pub(super) fn ask_to_end(&self) {
        // That it is gone already is what is wanted.
        if self.in_cell {
            let _ = tell(&self.connection, &ToKeeper::End);
        } else {
            let _ = kill_process_group(self.child, Signal::TERM);
        }
    }

    /// Ends the command and everything it started, and says how it ended.
    pub(super) fn end(&mut self) -> io::Result<CommandEnd> {
        let said = if self.in_cell { self.close_cell()? } else { None };
        if !self.in_cell {
            descendants::kill_all();
        }
        let Some((_, status)) = waitpid(Some(self.child), WaitOptions::NOHANG)? else {
            return Err(io::Error::other("the kernel holds on to a process of it, which can't be killed"));
        };
        descendants::reap();
        Ok(match said {
            Some(FromKeeper::Ended { status }) => CommandEnd::Status(ExitStatus::from_raw(status)),
            Some(FromKeeper::Failed { reason }) => CommandEnd::NoCell(reason),
            None if self.in_cell => CommandEnd::Status(ExitStatus::from_raw(Signal::KILL.as_raw())),
            None => CommandEnd::Status(ExitStatus::from_raw(status.as_raw())),
        })
    }

    /// Without the connection init ends, and the kernel kills what is in the cell before the door sees that end.
    fn close_cell(&mut self) -> io::Result<Option<FromKeeper>> {
        self.connection.shutdown(Shutdown::Write)?;
        let mut door = [PollFd::new(&self.handle, PollFlags::IN)];
        if poll(&mut door, Some(&CLOSE_LIMIT)) != Ok(1) {
            descendants::kill_all();
        }
        // It says nothing when it was killed with all that was in the cell.
        Ok(receive(&mut self.connection).ok())
    }
}
