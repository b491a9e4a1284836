//! The thread that runs commands, one at a time, and turns a run of the tests into a [`TestRun`].

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::errand::Errand;
use super::excerpt::excerpt;
use super::output::{Output, next_log};
use super::runner::{Gate, Job};
use super::start::{Ended, Started};
use super::watch::{Limits, Stop, Watch};
use crate::journal::Residue;
use crate::settings::TestCommand;
use crate::tools::TestRun;
use crate::worker::confine::Domain;
use crate::worker::descendants;
use crate::worker::plan::Charge;

/// How commands are kept from everything else.
#[derive(Clone, Debug)]
pub(in crate::worker) struct Reach {
    /// What they may reach; `None` after `--sandbox off`.
    pub(in crate::worker) domain: Option<Domain>,
    /// Whether each is in a cell of its own.
    pub(in crate::worker) in_cells: bool,
}

/// What the thread works with. All descendants of this process belong to the run that is on.
pub(super) struct Executor {
    charge: Charge,
    reach: Reach,
    gate: Arc<Gate>,
    /// What was left of the run that the worker's end cut short.
    killed: Residue,
}

/// How a run ended; without a status it never began.
#[derive(Debug, Default)]
struct Ending {
    status: Option<ExitStatus>,
    stop: Option<Stop>,
}

impl Executor {
    pub(super) fn new(charge: Charge, reach: Reach, gate: Arc<Gate>) -> Self {
        Self { charge, reach, gate, killed: Residue::default() }
    }

    /// Does jobs until the last one. Whoever asked may have gone: an answer that nobody takes is no failure.
    pub(super) fn work(&mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Tests { filter, asked_at, answer } => drop(answer.send(self.tests(&filter, asked_at))),
                Job::End(answer) => {
                    let left = descendants::kill_all();
                    let residue = Residue { killed: self.killed.killed + left.killed, survivors: left.survivors };
                    drop(answer.send(residue));
                    return;
                }
            }
        }
    }

    fn tests(&mut self, filter: &[String], asked_at: u64) -> Result<TestRun, String> {
        let Some(tests) = &self.charge.tests else { return Err("no test command is known".into()) };
        let argv = tests.to_argv(filter).map_err(|error| error.to_string())?;
        let command = tests.typed(filter).map_err(|error| error.to_string())?;
        self.gate.silence();

        let began = Instant::now();
        let (file, log) =
            next_log(&self.charge.logs).map_err(|error| format!("the log of the test run can't be made: {error}"))?;
        let mut output = Output::new(file);
        let errand = self.errand(tests, argv);
        let ending = self
            .watched(errand, asked_at, &mut output)
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

    fn errand(&self, tests: &TestCommand, argv: Vec<String>) -> Errand {
        let view = &self.charge.view;
        let folder = tests.dir.as_ref().map_or_else(|| view.clone(), |dir| view.join(dir.as_path()));
        Errand { domain: self.reach.domain.clone(), folder, argv }
    }

    fn watched(&mut self, errand: Errand, asked_at: u64, output: &mut Output) -> io::Result<Ending> {
        let started = {
            // The gate is held meanwhile, so that closing it leaves no run unseen.
            let gate = self.gate.lock();
            if gate.closed || gate.cancelled != asked_at {
                return Ok(Ending::default());
            }
            Started::new(errand, self.reach.in_cells)?
        };
        let (command, pipe) = started;
        let limits = Limits { deadline: Instant::now() + self.charge.deadline, idle: self.charge.idle };
        let mut take = |chunk: &[u8]| output.push(chunk);
        let watched = Watch::new(command, pipe, &self.gate, &mut take).run(limits);
        if watched.is_err() {
            descendants::kill_all();
            descendants::reap();
        }
        let seen = watched?;
        if seen.stop == Some(Stop::Closed) {
            // A door and an init are no part of the command.
            let own = if self.reach.in_cells { 2 } else { 0 };
            self.killed = Residue { killed: seen.killed.killed.saturating_sub(own), ..seen.killed };
        }
        match seen.ended {
            Ended::Status(status) => Ok(Ending { status: Some(status), stop: seen.stop }),
            Ended::NoCell(reason) => Err(io::Error::other(reason)),
        }
    }

    /// In one line: how it ended.
    fn verdict(&self, ending: &Ending) -> String {
        let seconds = |duration: Duration| format!("{} s", duration.as_secs());
        match (ending.stop, ending.status) {
            (Some(Stop::Deadline), _) => {
                format!("stopped: still running at the deadline of {}", seconds(self.charge.deadline))
            }
            (Some(Stop::Idle), _) => format!("stopped: nothing written for {}", seconds(self.charge.idle)),
            (Some(Stop::Cancelled | Stop::Closed), _) => "stopped: cancelled".to_owned(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "cancelled before it started".to_owned(),
        }
    }
}
