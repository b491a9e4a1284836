//! Watches a running command: its output, its end, its deadline, its silence, and the bell that cancels it.
//!
//! One thread, one `poll`: nothing here sleeps and looks again.

use std::io::{self, PipeReader, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::output::Output;
use crate::worker::descendants;

/// Between asking a command to end and killing it.
const GRACE: Duration = Duration::from_secs(2);
/// How long output of what the command left running is waited for, once it has ended itself.
const LINGER: Duration = Duration::from_millis(200);
/// How long the pipe is read once everything is dead. Only a process that the kernel holds on to can keep it open.
const DRAIN: Duration = Duration::from_secs(1);

/// Why kcode ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Deadline,
    Idle,
    Cancelled,
}

impl Stop {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Idle => "idle",
            Self::Cancelled => "cancelled",
        }
    }
}

/// When a command is ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) deadline: Instant,
    pub(super) idle: Duration,
}

/// What a look at a command found.
struct Seen {
    /// Something was read, or the pipe ended.
    output: bool,
    exit: bool,
    bell: bool,
}

/// A command and what it is watched through.
pub(super) struct Watch<'a> {
    child: Child,
    handle: OwnedFd,
    /// `None` once it has been read to its end.
    pipe: Option<PipeReader>,
    /// `None` once it is of no further interest.
    bell: Option<BorrowedFd<'a>>,
    output: &'a mut Output,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        child: Child,
        pipe: PipeReader,
        bell: BorrowedFd<'a>,
        output: &'a mut Output,
    ) -> io::Result<Self> {
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Self { child, handle, pipe: Some(pipe), bell: Some(bell), output })
    }

    /// Sees the command to its end, and ends it when it has to be. Afterwards nothing that it started is alive.
    pub(super) fn run(mut self, limits: Limits) -> io::Result<(ExitStatus, Option<Stop>)> {
        let over = self.until_over(limits);
        match over {
            Ok(None) => self.read_until(Instant::now() + LINGER)?,
            Ok(Some(_)) | Err(_) => self.end_group()?,
        }
        descendants::kill_all();
        let status = self.child.wait()?;
        descendants::reap();
        self.read_until(Instant::now() + DRAIN)?;
        Ok((status, over?))
    }

    /// Until the command exits, or has to be ended.
    fn until_over(&mut self, limits: Limits) -> io::Result<Option<Stop>> {
        let mut heard = Instant::now();
        loop {
            let idle_until = heard + limits.idle;
            let seen = self.look(limits.deadline.min(idle_until))?;
            let now = Instant::now();
            if seen.bell {
                return Ok(Some(Stop::Cancelled));
            }
            if seen.exit {
                return Ok(None);
            }
            if now >= limits.deadline {
                return Ok(Some(Stop::Deadline));
            }
            if seen.output {
                heard = now;
            } else if now >= idle_until {
                return Ok(Some(Stop::Idle));
            }
        }
    }

    /// Asks the command's whole group to end, and makes it when it doesn't. What it writes meanwhile is kept.
    fn end_group(&mut self) -> io::Result<()> {
        let group = Pid::from_child(&self.child);
        let until = Instant::now() + GRACE;
        self.bell = None;
        // That the group is gone already is what is wanted.
        let _ = kill_process_group(group, Signal::TERM);
        while Instant::now() < until && !self.look(until)?.exit {}
        let _ = kill_process_group(group, Signal::KILL);
        Ok(())
    }

    /// Waits until something happens or `until` comes, and reads what there is to read.
    fn look(&mut self, until: Instant) -> io::Result<Seen> {
        let mut watched = vec![PollFd::new(&self.handle, PollFlags::IN)];
        watched.extend(self.bell.map(|bell| PollFd::from_borrowed_fd(bell, PollFlags::IN)));
        watched.extend(self.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        wait(&mut watched, until)?;
        let mut happened = watched.iter().map(|fd| !fd.revents().is_empty());
        let exit = happened.next().unwrap_or_default();
        let bell = self.bell.is_some() && happened.next().unwrap_or_default();
        let output = self.pipe.is_some() && happened.next().unwrap_or_default();
        if output {
            self.read()?;
        }
        Ok(Seen { output, exit, bell })
    }

    /// Reads until the pipe ends or `until` comes.
    fn read_until(&mut self, until: Instant) -> io::Result<()> {
        while let Some(pipe) = &self.pipe
            && Instant::now() < until
        {
            if wait(&mut [PollFd::new(pipe, PollFlags::IN)], until)? > 0 {
                self.read()?;
            }
        }
        Ok(())
    }

    /// Reads once; the pipe is known to have something.
    fn read(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut chunk = vec![0; 64 * 1024];
        match pipe.read(&mut chunk) {
            Ok(0) => self.pipe = None,
            Ok(read) => self.output.push(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// How many of `fds` have something before `until`.
fn wait(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<usize> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
    match poll(fds, Some(&timeout)) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
