//! Two processes for one job: one does it, the supervisor waits, passes signals on, and ends it at the deadline.

use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process, set_child_subreaper, set_parent_process_death_signal,
    setpgid, wait, waitpid,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::artifacts::Artifacts;
use crate::cli::output;
use crate::journal::Outcome;
use crate::run::{Failure, on_a_runtime};
use crate::sandbox;

/// Time for an end in order.
const GRACE: Duration = Duration::from_secs(30);
/// Longest wait for the processes of a worker that was killed; they end with it.
const ORPHANS_END_WITHIN: Duration = Duration::from_secs(10);
const OFTEN: Duration = Duration::from_millis(5);

/// Time for an end in order, before `deadline`.
fn grace(deadline: Duration) -> Duration {
    GRACE.min(deadline / 4)
}

/// What is left of `deadline` for a run that ends by itself.
pub(super) fn time_for_a_run(deadline: Duration) -> Duration {
    deadline.saturating_sub(2 * grace(deadline))
}

/// What this process is after [`start`].
pub(super) enum ForkedSide {
    Supervisor(Job),
    Job,
}

/// The process that does the job.
pub(super) struct Job(Pid);

/// Becomes two processes. Call it before the first thread starts.
///
/// # Errors
/// When the system refuses.
pub(super) fn start() -> Result<ForkedSide, Failure> {
    let before = getpid();
    if let Some(job) = sandbox::fork().context("the job's process can't be started")? {
        return Ok(ForkedSide::Supervisor(Job(job)));
    }
    // Of a group of its own: a Ctrl-C reaches it once, by way of the supervisor.
    let _ = setpgid(None, None);
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    if getppid() == Some(before) {
        Ok(ForkedSide::Job)
    } else {
        Err(Failure::internal("the supervisor ended before the job began"))
    }
}

/// How the worker ended.
enum End {
    /// By itself, with this code.
    Exited(u8),
    /// By this signal.
    Killed(i32),
}

impl Job {
    /// Waits for the end, and says what became of a worker that was killed.
    ///
    /// # Errors
    /// When it can't be waited for, or what it came to can't be written.
    pub(super) fn wait(self, deadline: Duration, artifacts: &Artifacts) -> Result<Outcome, Failure> {
        // Adopts what a killed worker leaves, so that its end can be waited for.
        let _ = set_child_subreaper(Some(getpid()));
        let (end, is_late) = on_a_runtime(async { self.end(deadline).await.map_err(Failure::from) })?;
        let outcome = match &end {
            End::Exited(code) => Outcome::ALL.into_iter().find(|outcome| outcome.exit_code() == *code),
            End::Killed(_) => None,
        };
        if outcome.is_none() {
            wait_for_orphans();
        }
        match (end, outcome) {
            // One that was over in time by its own count.
            (_, Some(outcome)) if !is_late || outcome != Outcome::Interrupted => Ok(outcome),
            _ if is_late => artifacts.overdue(),
            (End::Exited(code), _) => artifacts.killed(&format!("the job's process ended with exit code {code}")),
            (End::Killed(signal), _) => artifacts.killed(&format!("the job's process was killed by signal {signal}")),
        }
    }

    async fn end(&self, deadline: Duration) -> anyhow::Result<(End, bool)> {
        let mut child = signal(SignalKind::child()).context("the job can't be watched")?;
        let [mut interrupt, mut terminate, mut hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let grace = grace(deadline);
        let mut limit = Instant::now() + deadline.saturating_sub(grace);
        let mut is_late = false;
        let status = loop {
            if let Some((_, status)) =
                waitpid(Some(self.0), WaitOptions::NOHANG).context("the job's end can't be read")?
            {
                break status;
            }
            tokio::select! {
                _ = child.recv() => {}
                () = heard(&mut interrupt) => self.send(Signal::INT),
                () = heard(&mut terminate) => self.send(Signal::TERM),
                () = heard(&mut hangup) => self.send(Signal::TERM),
                () = sleep_until(limit) => {
                    if is_late {
                        self.send(Signal::KILL);
                    } else {
                        output::say("kcode ci: the deadline is over; the job is ended");
                        self.send(Signal::TERM);
                    }
                    is_late = true;
                    limit = Instant::now() + grace;
                }
            }
        };
        let end = status.exit_status().map(|code| End::Exited(code as u8));
        Ok((end.unwrap_or(End::Killed(status.terminating_signal().unwrap_or_default())), is_late))
    }

    fn send(&self, signal: Signal) {
        // One that has ended is seen by the next look.
        let _ = kill_process(self.0, signal);
    }
}

/// Waits until there is no process left of the worker's.
fn wait_for_orphans() {
    let limit = Instant::now() + ORPHANS_END_WITHIN;
    while Instant::now() < limit {
        match wait(WaitOptions::NOHANG) {
            Ok(None) => std::thread::sleep(OFTEN),
            Ok(Some(_)) => {}
            Err(_) => return,
        }
    }
}

/// A signal that can't be listened for never comes.
async fn heard(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
