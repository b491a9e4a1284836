//! Runs the test command, one run at a time, and turns it into a [`TestRun`].

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use super::enter::{COMMAND, ENTER};
use super::excerpt::excerpt;
use super::output::{Output, next_log};
use super::watch::{Limits, Stop, Watch};
use crate::settings::TestCommand;
use crate::tools::{TestRun, TestRunner};
use crate::worker::plan::Charge;
use crate::worker::{SUBCOMMAND, descendants};

/// Whoever runs the tests in a worker.
#[derive(Debug)]
pub(in crate::worker) struct Runner {
    charge: Charge,
    tests: TestCommand,
    /// Where commands may write.
    writable: Vec<PathBuf>,
    /// Held by the run that is on; the others wait. So all descendants of this process belong to that run.
    turn: Mutex<()>,
    /// Readable once the run that is on has to end.
    bell: OwnedFd,
    gate: Mutex<Gate>,
}

/// Whether commands may start.
#[derive(Debug, Default)]
struct Gate {
    /// How often runs were cancelled: a run that was asked for before the last time doesn't start.
    cancelled: u64,
    /// Set for good when the worker ends.
    closed: bool,
}

impl Runner {
    pub(in crate::worker) fn new(charge: Charge, tests: TestCommand, writable: Vec<PathBuf>) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { charge, tests, writable, turn: Mutex::default(), bell, gate: Mutex::default() })
    }

    /// Ends the run that is on, and those that wait.
    pub(in crate::worker) fn cancel(&self) {
        self.gate().cancelled += 1;
        // It fails only when the bell has been rung more often than a number can count.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// From here on nothing starts any more. What runs is the caller's to end.
    pub(in crate::worker) fn close(&self) {
        self.gate().closed = true;
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the command; the gate is held meanwhile, so that closing it leaves none unseen.
    fn start(&self, argv: &[String], asked_at: u64) -> io::Result<Option<(Child, io::PipeReader)>> {
        let gate = self.gate();
        if gate.closed || gate.cancelled != asked_at {
            return Ok(None);
        }
        let (pipe, writer) = io::pipe()?;
        let folder = self
            .tests
            .dir
            .as_ref()
            .map_or_else(|| self.charge.view.clone(), |dir| self.charge.view.join(dir.as_path()));
        let child = Command::new("/proc/self/exe")
            .args([SUBCOMMAND, ENTER])
            .args(if self.charge.confine { &self.writable[..] } else { &[] })
            .arg(COMMAND)
            .args(argv)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        Ok(Some((child, pipe)))
    }

    fn watched(&self, argv: &[String], asked_at: u64, output: &mut Output) -> io::Result<Ending> {
        let Some((child, pipe)) = self.start(argv, asked_at)? else { return Ok(Ending::default()) };
        let limits = Limits { deadline: Instant::now() + self.charge.deadline, idle: self.charge.idle };
        let watched = Watch::new(child, pipe, self.bell.as_fd(), output).and_then(|watch| watch.run(limits));
        if watched.is_err() {
            descendants::kill_all();
            descendants::reap();
        }
        let (status, stop) = watched?;
        Ok(Ending { status: Some(status), stop })
    }

    /// In one line: how it ended.
    fn verdict(&self, ending: &Ending) -> String {
        let seconds = |duration: std::time::Duration| format!("{} s", duration.as_secs());
        match (ending.stop, ending.status) {
            (Some(Stop::Deadline), _) => {
                format!("stopped: still running at the deadline of {}", seconds(self.charge.deadline))
            }
            (Some(Stop::Idle), _) => format!("stopped: nothing written for {}", seconds(self.charge.idle)),
            (Some(Stop::Cancelled), _) => "stopped: cancelled".to_owned(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "cancelled before it started".to_owned(),
        }
    }
}

/// How a run ended; without a status it never began.
#[derive(Debug, Default)]
struct Ending {
    status: Option<ExitStatus>,
    stop: Option<Stop>,
}

impl TestRunner for Runner {
    fn run(&self, filter: &[String]) -> Result<TestRun, String> {
        let asked_at = self.gate().cancelled;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let argv = self.tests.to_argv(filter).map_err(|error| error.to_string())?;
        let command = self.tests.typed(filter).map_err(|error| error.to_string())?;
        // Whoever the bell was rung for has ended. A ring for this run changed the count that is compared later.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);

        let began = Instant::now();
        let (file, log) =
            next_log(&self.charge.logs).map_err(|error| format!("the log of the test run can't be made: {error}"))?;
        let mut output = Output::new(file);
        let ending = self
            .watched(&argv, asked_at, &mut output)
            .map_err(|error| format!("{command} could not be run: {error}"))?;

        let stopped = if ending.status.is_none() { Some(Stop::Cancelled) } else { ending.stop };
        let mut run = TestRun {
            command,
            exit_code: ending.status.and_then(|status| status.code()),
            signal: ending.status.and_then(|status| status.signal()),
            stopped: stopped.map(|stop| stop.name().to_owned()),
            ms: began.elapsed().as_millis() as u64,
            log,
            excerpt: String::new(),
            counts: None,
        };
        run.excerpt = excerpt(&self.verdict(&ending), &run, &output.finish());
        Ok(run)
    }
}
