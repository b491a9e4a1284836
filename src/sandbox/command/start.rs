//! Starts a command: in its own PID namespace, or only in its own Landlock domain if there can't be one.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, setpgid, waitpid};

use super::enter::ENTER;
use super::launch_request::{CellPlan, FromKeeper, LaunchRequest, ToKeeper, tell};
use super::pid_namespace::{self, DOOR};
use crate::sandbox::{SUBCOMMAND, descendants, descriptors, fork, protocol::receive};

/// Longest wait for the kernel to empty a PID namespace; it takes milliseconds.
const CLOSE_LIMIT: Timespec = Timespec { tv_sec: 3, tv_nsec: 0 };

#[derive(Debug)]
pub(super) struct Started {
    /// The child to wait for: the command, or the door of its PID namespace.
    child: Pid,
    /// The child's pidfd.
    handle: OwnedFd,
    /// The socket to the first process of the command's PID namespace, if it has one.
    connection: UnixStream,
    in_pid_namespace: bool,
}

pub(super) enum CommandEnd {
    Status(ExitStatus),
    /// The PID namespace couldn't be made.
    NoPidNamespace(String),
}

/// A process that waits for its command and meanwhile makes a PID namespace, if it should.
#[derive(Debug)]
pub(in crate::sandbox) struct Waiting {
    started: Started,
    pipe: io::PipeReader,
}

impl Waiting {
    /// Starts the process.
    pub(super) fn start(in_pid_namespace: bool) -> io::Result<Self> {
        let (pipe, writer) = io::pipe()?;
        let (connection, theirs) = UnixStream::pair()?;
        let child = Command::new("/proc/self/exe")
            .args([SUBCOMMAND, if in_pid_namespace { DOOR } else { ENTER }])
            .stdin(OwnedFd::from(theirs))
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        Self::of(Pid::from_child(&child), connection, pipe, in_pid_namespace)
    }

    /// Starts it to make a PID namespace and to prepare it for a command with this plan, which comes later: as a fork of this
    /// process where it has a single thread, and otherwise unprepared.
    pub(in crate::sandbox) fn ahead(plan: CellPlan<'_>) -> io::Result<Self> {
        Self::copy(plan).or_else(|_| Self::start(true))
    }

    fn copy(plan: CellPlan<'_>) -> io::Result<Self> {
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
            // Inherited descriptors belong to the original.
            descriptors::close_all()?;
            pid_namespace::open(Some(plan))
        })?;
        Self::of(door, connection, pipe, true)
    }

    fn of(child: Pid, connection: UnixStream, pipe: io::PipeReader, in_pid_namespace: bool) -> io::Result<Self> {
        let handle = pidfd_open(child, PidfdFlags::empty())?;
        Ok(Self { started: Started { child, handle, connection, in_pid_namespace }, pipe })
    }

    /// Makes it run `request`; also returns the pipe with the output.
    pub(super) fn run(self, request: LaunchRequest) -> (Started, io::PipeReader) {
        // If the child died early, that is noticed later.
        let _ = tell(&self.started.connection, &ToKeeper::Run(Box::new(request)));
        (self.started, self.pipe)
    }

    /// Ends it without a command.
    pub(super) fn give_up(mut self) {
        // What is left ends with the worker.
        let _ = self.started.end();
    }
}

impl Started {
    /// Becomes readable when the command ends.
    pub(super) fn exit(&self) -> BorrowedFd<'_> {
        if self.in_pid_namespace { self.connection.as_fd() } else { self.handle.as_fd() }
    }

    /// Sends SIGTERM to the command's process group.
    pub(super) fn ask_to_end(&self) {
        // It may be gone already.
        if self.in_pid_namespace {
            let _ = tell(&self.connection, &ToKeeper::End);
        } else {
            let _ = kill_process_group(self.child, Signal::TERM);
        }
    }

    /// Ends the command and everything it started; returns how it ended.
    pub(super) fn end(&mut self) -> io::Result<CommandEnd> {
        let said = if self.in_pid_namespace { self.close_pid_namespace()? } else { None };
        if !self.in_pid_namespace {
            descendants::kill_all();
        }
        let Some((_, status)) = waitpid(Some(self.child), WaitOptions::NOHANG)? else {
            return Err(io::Error::other("the kernel holds on to a process of it, which can't be killed"));
        };
        descendants::reap();
        Ok(match said {
            Some(FromKeeper::Ended { status }) => CommandEnd::Status(ExitStatus::from_raw(status)),
            Some(FromKeeper::Failed { reason }) => CommandEnd::NoPidNamespace(reason),
            None if self.in_pid_namespace => CommandEnd::Status(ExitStatus::from_raw(Signal::KILL.as_raw())),
            None => CommandEnd::Status(ExitStatus::from_raw(status.as_raw())),
        })
    }

    /// Closes the connection: init ends, and the kernel kills everything in the PID namespace before the door sees
    /// that.
    fn close_pid_namespace(&mut self) -> io::Result<Option<FromKeeper>> {
        self.connection.shutdown(Shutdown::Write)?;
        let mut door = [PollFd::new(&self.handle, PollFlags::IN)];
        if poll(&mut door, Some(&CLOSE_LIMIT)) != Ok(1) {
            descendants::kill_all();
        }
        // Killed with everything in the namespace, it reports nothing.
        Ok(receive(&mut self.connection).ok())
    }
}
