//! Watches a running command: output, exit, deadline, silence and cancellation.
//!
//! One thread and one `poll`. Only disk and memory can't be polled for and are checked at intervals.

use std::io::{self, PipeReader, Read};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::banner::{self, Banner};
use super::cancellation::CancellationToken;
use super::resource_limits::ResourceLimits;
use super::start::{CommandEnd, Started};
use crate::journal::Residue;
use crate::sandbox::descendants;

/// Interval at which progress is updated without output.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Default of [`CommandLimits::linger`].
pub(super) const LINGER: Duration = Duration::from_millis(200);
/// Longest wait for the pipe's end once everything is dead. Only a process blocked in the kernel can keep it open.
const DRAIN: Duration = Duration::from_secs(1);

/// Why kcode ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandStop {
    Deadline,
    Idle,
    /// It reported its results and then waited for changes.
    Watch,
    Cancelled,
    /// The disk was nearly full.
    Disk,
    /// Memory was nearly used up.
    Memory,
    /// The worker is shutting down.
    Closed,
}

impl CommandStop {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Idle => "idle",
            Self::Watch => "watch",
            Self::Cancelled | Self::Closed => "cancelled",
            Self::Disk => "disk",
            Self::Memory => "memory",
        }
    }
}

/// Time limits of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommandLimits {
    pub(super) deadline: Duration,
    pub(super) idle: Duration,
    /// How long to wait for output of processes that the command left running after its exit.
    pub(super) linger: Duration,
}

/// How a command ended.
pub(super) struct WatchResult {
    pub(super) ended: CommandEnd,
    pub(super) stop: Option<CommandStop>,
    /// Processes that were left and had to be killed.
    pub(super) killed: Residue,
    /// Whether no process holds the output pipe open any more.
    pub(super) silent: bool,
}

/// What one `poll` found.
struct CommandLook {
    /// Output was read, or the pipe ended.
    output: bool,
    exit: bool,
    cancelled: bool,
}

/// A command and the descriptors it is watched through.
pub(super) struct Watch<'a> {
    command: Started,
    /// `None` once it has been read to its end.
    pipe: Option<PipeReader>,
    /// `None` once cancellation doesn't matter any more.
    gate: Option<&'a CancellationToken>,
    supplies: ResourceLimits,
    banner: Banner,
    take: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        command: Started,
        pipe: PipeReader,
        gate: &'a CancellationToken,
        supplies: ResourceLimits,
        take: &'a mut dyn FnMut(&[u8]),
    ) -> Self {
        Self { command, pipe: Some(pipe), gate: Some(gate), supplies, banner: Banner::default(), take }
    }

    /// Waits for the command's end, and ends it if necessary. Afterwards none of its processes is alive.
    pub(super) fn run(mut self, limits: CommandLimits) -> io::Result<WatchResult> {
        let over = self.until_over(Instant::now() + limits.deadline, limits.idle);
        match over {
            Ok(None) => self.read_until(Instant::now() + limits.linger)?,
            // These leave no time for a graceful end.
            Ok(Some(CommandStop::Closed | CommandStop::Disk | CommandStop::Memory)) => {}
            Ok(Some(_)) | Err(_) => self.ask_to_end()?,
        }
        // Counting what is left requires reading all processes of the machine.
        let killed =
            if matches!(over, Ok(Some(CommandStop::Closed))) { descendants::kill_all() } else { Residue::default() };
        let ended = self.command.end()?;
        self.read_until(Instant::now() + DRAIN)?;
        Ok(WatchResult { ended, stop: over?, killed, silent: self.pipe.is_none() })
    }

    /// Waits until the command exits or has to be ended.
    fn until_over(&mut self, deadline: Instant, idle: Duration) -> io::Result<Option<CommandStop>> {
        let mut heard = Instant::now();
        let (mut told, mut count_at) = (heard, heard + self.supplies.pause());
        loop {
            let idle_until = heard + idle;
            let look = self.look(deadline.min(idle_until).min(told + TELL_EVERY).min(count_at))?;
            let now = Instant::now();
            if let Some(gate) = self.gate.filter(|_| look.cancelled) {
                return Ok(Some(if gate.lock().closed { CommandStop::Closed } else { CommandStop::Cancelled }));
            }
            if look.exit {
                return Ok(None);
            }
            if now >= deadline {
                return Ok(Some(CommandStop::Deadline));
            }
            if now >= told + TELL_EVERY {
                told = now;
                // The progress display may still hold something back.
                (self.take)(&[]);
            }
            if now >= count_at {
                if let Some(stop) = self.supplies.exceeded() {
                    return Ok(Some(stop));
                }
                count_at = Instant::now() + self.supplies.pause();
            }
            if look.output {
                heard = now;
            } else if now >= heard + banner::QUIET
                && self.banner.is_waiting(|| descendants::any_started_with(banner::is_told_to_watch))
            {
                return Ok(Some(CommandStop::Watch));
            } else if now >= idle_until {
                return Ok(Some(CommandStop::Idle));
            }
        }
    }

    /// Sends SIGTERM and waits a while. Output in that time is kept.
    fn ask_to_end(&mut self) -> io::Result<()> {
        let until = Instant::now() + GRACE;
        self.gate = None;
        self.command.ask_to_end();
        while Instant::now() < until && !self.look(until)?.exit {}
        Ok(())
    }

    /// Waits for an event or `until`, and reads available output.
    fn look(&mut self, until: Instant) -> io::Result<CommandLook> {
        let mut watched = vec![PollFd::from_borrowed_fd(self.command.exit(), PollFlags::IN)];
        watched.extend(self.gate.map(|gate| PollFd::from_borrowed_fd(gate.event(), PollFlags::IN)));
        watched.extend(self.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        wait(&mut watched, until)?;
        let mut happened = watched.iter().map(|fd| !fd.revents().is_empty());
        let exit = happened.next().unwrap_or_default();
        let cancelled = self.gate.is_some() && happened.next().unwrap_or_default();
        let output = self.pipe.is_some() && happened.next().unwrap_or_default();
        if output {
            self.read()?;
        }
        Ok(CommandLook { output, exit, cancelled })
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

    /// Reads once; the pipe is known to be readable.
    fn read(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut chunk = vec![0; 64 * 1024];
        match pipe.read(&mut chunk) {
            Ok(0) => self.pipe = None,
            Ok(read) => {
                self.banner.push(&chunk[..read]);
                (self.take)(&chunk[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Number of `fds` that are ready before `until`.
fn wait(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<usize> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
    match poll(fds, Some(&timeout)) {
        Ok(ready) => Ok(ready),
        Err(Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
