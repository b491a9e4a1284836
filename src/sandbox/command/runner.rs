//! The handle for running commands in a worker: many threads may ask, one runs them.
//!
//! The command thread is started before the worker confines itself, because a confined thread couldn't create the
//! namespaces of a command. It takes jobs only from the worker's own code, and what it starts confines itself before it
//! becomes a command.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use super::cancellation::CancellationToken;
use super::executor::{CommandSandbox, Executor, ProofResult, RunnerJob, Tell};
use super::start::Waiting;
use crate::journal::Residue;
use crate::sandbox::proof::{self, Targets};
use crate::sandbox::{descendants, plan::WorkerConfig};
use crate::settings::TestCommand;
use crate::tools::{FatalToolError, TestRun, TestRunner};

/// Longest wait for the last run to be killed; normally that takes milliseconds.
const END_LIMIT: Duration = Duration::from_secs(4);

/// Handle of the command thread.
#[derive(Debug)]
pub(in crate::sandbox) struct Runner {
    jobs: Sender<RunnerJob>,
    gate: Arc<CancellationToken>,
}

impl Runner {
    /// Starts the thread with the caller's current privileges. `tell` receives the progress of commands; the first one is
    /// the prover, which uses the process `waiting`.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub(in crate::sandbox) fn start(
        config: WorkerConfig,
        reach: CommandSandbox,
        tell: Tell,
        waiting: Option<io::Result<Waiting>>,
    ) -> io::Result<Self> {
        let gate = Arc::new(CancellationToken::new()?);
        let (jobs, inbox) = mpsc::channel();
        let mut executor = Executor::new(config, reach, Arc::clone(&gate), tell);
        thread::Builder::new().name("commands".into()).spawn(move || executor.work(&inbox, waiting))?;
        Ok(Self { jobs, gate })
    }

    /// Ends the current run and all waiting ones.
    pub(in crate::sandbox) fn cancel(&self) {
        self.gate.lock().cancelled += 1;
        self.gate.ring();
    }

    /// Kills the current run; no further run starts.
    pub(in crate::sandbox) fn close(&self) -> Residue {
        self.gate.lock().closed = true;
        self.gate.ring();
        self.ask(RunnerJob::End, END_LIMIT).unwrap_or_else(descendants::alive)
    }

    /// Runs the prover, which also finds out whether PID namespaces can be made.
    pub(in crate::sandbox) fn prove(&self, targets: Targets) -> ProofResult {
        let gone = || ProofResult { pid_namespaces: None, proofs: proof::none("the thread for commands is gone") };
        self.ask(|answer| RunnerJob::Prove { targets, answer }, Duration::MAX).unwrap_or_else(gone)
    }

    /// Runs `command`, or the one in [`WorkerConfig`].
    pub(in crate::sandbox) fn run_command(
        &self,
        command: Option<TestCommand>,
        filter: &[String],
    ) -> Result<TestRun, FatalToolError> {
        let asked_at = self.gate.lock().cancelled;
        let job = |answer| RunnerJob::Tests { command, filter: filter.to_vec(), asked_at, answer };
        self.ask(job, Duration::MAX).unwrap_or_else(|| Err(FatalToolError::new("the worker is ending")))
    }

    /// Waits for the answer to a job; `None` if the thread is gone or takes longer than `limit`.
    fn ask<T>(&self, job: impl FnOnce(Sender<T>) -> RunnerJob, limit: Duration) -> Option<T> {
        let (answer, waiting) = mpsc::channel();
        self.jobs.send(job(answer)).ok()?;
        waiting.recv_timeout(limit).ok()
    }
}

impl TestRunner for Runner {
    fn run(&self, filter: &[String]) -> Result<TestRun, FatalToolError> {
        self.run_command(None, filter)
    }
}
