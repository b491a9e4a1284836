//! The thread that runs commands, one at a time, and turns a test run into a [`TestRun`].

use std::fmt;
use std::io::{self, PipeReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::cancellation::CancellationToken;
use super::excerpt::excerpt;
use super::folder::WorkingFolder;
use super::launch_request::LaunchRequest;
use super::leftovers;
use super::live_output::Glance;
use super::output::{CommandOutput, next_log};
use super::reports::Reports;
use super::resource_limits::ResourceLimits;
use super::start::{CommandEnd, Started, Waiting};
use super::watch::{CommandLimits, CommandStop, LINGER, Watch, WatchResult};
use crate::journal::{Layer, Proof, Residue};
use crate::sandbox::confine::{Domain, PROCESSES};
use crate::sandbox::proof::{self, Targets};
use crate::sandbox::{SUBCOMMAND, descendants, plan::WorkerConfig, progress::CommandProgress};
use crate::settings::{TOOL_FOLDERS, TestCommand};
use crate::tools::{FatalToolError, TestRun};

/// Receives the progress of commands.
pub(in crate::sandbox) type Tell = Box<dyn Fn(CommandProgress) + Send>;

/// The prover needs milliseconds, and leaves a process behind that must be killed at once.
const PROOF_LIMITS: CommandLimits =
    CommandLimits { deadline: Duration::from_secs(10), idle: Duration::from_secs(10), linger: Duration::ZERO };

/// How commands are isolated.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct CommandSandbox {
    /// What they may access; `None` for `--sandbox off`.
    pub(in crate::sandbox) domain: Option<Domain>,
    /// Whether each runs in its own PID namespace.
    pub(in crate::sandbox) in_pid_namespaces: bool,
    /// Whether the IPC namespace is the worker's own.
    pub(in crate::sandbox) own_ipc: bool,
    /// Variables that tell commands where their caches are.
    pub(in crate::sandbox) caches: Vec<(String, String)>,
}

/// State of the thread. All descendants of this process belong to the current run.
pub(super) struct Executor {
    config: WorkerConfig,
    reach: CommandSandbox,
    gate: Arc<CancellationToken>,
    tell: Tell,
    /// What had to be killed when the worker's shutdown interrupted a run.
    killed: Residue,
}

#[derive(Debug)]
pub(in crate::sandbox) struct ProofResult {
    /// Whether commands have PID namespaces; `None` if they aren't meant to.
    pub(in crate::sandbox) pid_namespaces: Option<Layer>,
    pub(in crate::sandbox) proofs: Vec<Proof>,
}

/// Why no attempts were made.
#[derive(Debug, thiserror::Error)]
enum ExecutorFailure {
    #[error("{0}")]
    NoPidNamespace(String),
    #[error("{0}")]
    Other(String),
}

/// How a run ended; without a status it never began.
#[derive(Debug, Default)]
struct Ending {
    status: Option<ExitStatus>,
    stop: Option<CommandStop>,
}

impl Executor {
    pub(super) fn new(config: WorkerConfig, reach: CommandSandbox, gate: Arc<CancellationToken>, tell: Tell) -> Self {
        Self { config, reach, gate, tell, killed: Residue::default() }
    }

    /// Runs jobs until the last one. The first command uses the process `waiting` if it is the prover. If whoever asked
    /// is gone, the answer is dropped.
    pub(super) fn work(&mut self, jobs: &Receiver<RunnerJob>, mut waiting: Option<io::Result<Waiting>>) {
        for job in jobs {
            let mut first = waiting.take();
            if !matches!(job, RunnerJob::Prove { .. })
                && let Some(Ok(unused)) = first.take()
            {
                unused.give_up();
            }
            match job {
                RunnerJob::Tests { command, filter, asked_at, answer } => {
                    drop(answer.send(self.tests(command, &filter, asked_at)));
                }
                RunnerJob::Prove { targets, answer } => drop(answer.send(self.prove(&targets, first))),
                RunnerJob::End(answer) => {
                    let left = descendants::kill_all();
                    let residue = Residue { killed: self.killed.killed + left.killed, survivors: left.survivors };
                    drop(answer.send(residue));
                    return;
                }
            }
        }
    }

    /// Runs the prover as a command. This also finds out whether PID namespaces can be made.
    fn prove(&mut self, targets: &Targets, waiting: Option<io::Result<Waiting>>) -> ProofResult {
        let mut pid_namespaces = None;
        if self.reach.in_pid_namespaces {
            pid_namespaces =
                Some(Layer::holding("cells", format!("each command in its own; {PROCESSES} processes at most")));
        }
        let mut tried = self.attempts(targets, waiting);
        if let Err(ExecutorFailure::NoPidNamespace(reason)) = &tried {
            pid_namespaces = Some(Layer::missing("cells", reason.clone()));
            self.reach.in_pid_namespaces = false;
            tried = self.attempts(targets, None);
        }
        let proofs = tried.unwrap_or_else(|failure| proof::none(&failure.to_string()));
        ProofResult { pid_namespaces, proofs }
    }

    /// `waiting` is the process that becomes the prover, if it was started already.
    fn attempts(&self, targets: &Targets, waiting: Option<io::Result<Waiting>>) -> Result<Vec<Proof>, ExecutorFailure> {
        let failed = |error: &dyn fmt::Display| ExecutorFailure::Other(error.to_string());
        let json = serde_json::to_string(targets).map_err(|error| failed(&error))?;
        let argv = ["/proc/self/exe", SUBCOMMAND, proof::PROVE, &json].map(str::to_owned).into();
        let (domain, folder) = (self.reach.domain.clone(), WorkingFolder::new(&self.config.view, None));
        let request = LaunchRequest { domain, folder, argv, environment: Vec::new() };
        let waiting = waiting.unwrap_or_else(|| Waiting::start(self.reach.in_pid_namespaces));
        let (command, pipe) = waiting.map_err(|error| failed(&error))?.run(request);
        let mut output = Vec::new();
        let mut take = |chunk: &[u8]| output.extend_from_slice(chunk);
        let seen = self.watch(command, pipe, PROOF_LIMITS, &mut take).map_err(|error| failed(&error))?;
        if let CommandEnd::NoPidNamespace(reason) = seen.ended {
            return Err(ExecutorFailure::NoPidNamespace(reason));
        }
        let mut proofs = proof::read(&output).map_err(ExecutorFailure::Other)?;
        proof::outlived(&mut proofs, seen.silent);
        Ok(proofs)
    }

    fn tests(
        &mut self,
        command: Option<TestCommand>,
        filter: &[String],
        asked_at: u64,
    ) -> Result<TestRun, FatalToolError> {
        let Some(tests) = command.or_else(|| self.config.tests.clone()) else {
            return Err(FatalToolError::new("no test command is known"));
        };
        let command = tests.typed(filter).map_err(|error| FatalToolError::new(error.to_string()))?;
        self.gate.silence();

        let began = Instant::now();
        let (file, log) = next_log(&self.config.logs)
            .map_err(|error| FatalToolError::io("the log of the test run can't be made", &error))?;
        let mut output = CommandOutput::new(file);
        let (request, reports) = self.request(&tests, filter)?;
        let ending = self
            .watched(request, asked_at, &mut output)
            .map_err(|error| FatalToolError::io(&format!("{command} could not be run"), &error))?;

        let stopped = if ending.status.is_none() { Some(CommandStop::Cancelled) } else { ending.stop };
        let mut run = TestRun {
            command,
            exit_code: ending.status.and_then(|status| status.code()),
            signal: ending.status.and_then(|status| status.signal()),
            stopped: stopped.map(|stop| stop.name().to_owned()),
            ms: began.elapsed().as_millis() as u64,
            view: self.config.view.display().to_string(),
            log,
            ..TestRun::default()
        };
        run.reports = reports.and_then(|reports| reports.keep(&tests.reporting, &self.config.logs, &run.log));
        let kept = output.finish();
        run.excerpt = excerpt(&self.verdict(&ending), &run, &kept);
        run.left_out = kept.left_out;
        Ok(run)
    }

    /// The command to run, and its report folder. Without a folder the command isn't told to write reports.
    fn request(
        &self,
        tests: &TestCommand,
        filter: &[String],
    ) -> Result<(LaunchRequest, Option<Reports>), FatalToolError> {
        let folder = WorkingFolder::new(&self.config.view, tests.dir.clone());
        // If the folder can't be entered, the command's own process reports that.
        let reports = Reports::prepare(&self.config.scratch, folder.open().ok()).ok();
        let (argv, environment) = match &reports {
            Some(reports) => {
                let environment = tests.reporting.environment(&reports.path, |name| std::env::var(name).ok());
                (tests.to_reporting_argv(filter, &reports.path), environment)
            }
            None => (tests.to_argv(filter), Vec::new()),
        };
        let argv = argv.map_err(|error| FatalToolError::new(error.to_string()))?;
        Ok((LaunchRequest { domain: self.reach.domain.clone(), folder, argv, environment }, reports))
    }

    fn watched(&mut self, mut request: LaunchRequest, asked_at: u64, output: &mut CommandOutput) -> io::Result<Ending> {
        request.environment.extend(self.reach.caches.iter().cloned());
        request.environment.extend(search_path(&request.folder.named(), &self.config.view));
        let started = {
            // The lock is held meanwhile, so that closing the token can't miss a run.
            let gate = self.gate.lock();
            if gate.closed || gate.cancelled != asked_at {
                return Ok(Ending::default());
            }
            Waiting::start(self.reach.in_pid_namespaces)?.run(request)
        };
        let (command, pipe) = started;
        let limits = CommandLimits { deadline: self.config.deadline, idle: self.config.idle, linger: LINGER };
        let mut glance = Glance::default();
        let mut take = |chunk: &[u8]| {
            let clean = output.push(chunk);
            if let Some(progress) = glance.push(&clean, Instant::now()) {
                (self.tell)(progress);
            }
        };
        let seen = self.watch(command, pipe, limits, &mut take)?;
        if seen.stop == Some(CommandStop::Closed) {
            // The two processes around a command aren't counted as its own.
            let own = if self.reach.in_pid_namespaces { 2 } else { 0 };
            self.killed = Residue { killed: seen.killed.killed.saturating_sub(own), ..seen.killed };
        }
        match seen.ended {
            CommandEnd::Status(status) => Ok(Ending { status: Some(status), stop: seen.stop }),
            CommandEnd::NoPidNamespace(reason) => Err(io::Error::other(reason)),
        }
    }

    /// Watches a command to its end, whatever goes wrong.
    fn watch(
        &self,
        command: Started,
        pipe: PipeReader,
        limits: CommandLimits,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<WatchResult> {
        let watched =
            Watch::new(command, pipe, &self.gate, ResourceLimits::of(&self.config.view, self.config.memory), take)
                .run(limits);
        if watched.is_err() {
            descendants::kill_all();
            descendants::reap();
        }
        if self.reach.own_ipc && !self.reach.in_pid_namespaces {
            leftovers::remove()?;
        }
        watched
    }

    /// One line that says how it ended.
    fn verdict(&self, ending: &Ending) -> String {
        let seconds = |duration: Duration| format!("{} s", duration.as_secs());
        match (ending.stop, ending.status) {
            (Some(CommandStop::Deadline), _) => {
                format!("stopped: still running at the deadline of {}", seconds(self.config.deadline))
            }
            (Some(CommandStop::Idle), _) => format!("stopped: nothing written for {}", seconds(self.config.idle)),
            (Some(CommandStop::Watch), _) => {
                "stopped: it reported its tests, and waits for changes instead of ending".to_owned()
            }
            (Some(CommandStop::Disk), _) => "stopped: the disk was nearly full".to_owned(),
            (Some(CommandStop::Memory), _) => "stopped: it had used up the memory that it may".to_owned(),
            (Some(CommandStop::Cancelled | CommandStop::Closed), _) => "stopped: cancelled".to_owned(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "cancelled before it started".to_owned(),
        }
    }
}

/// `PATH` with the folders appended in which projects keep programs; `None` if there are none. Programs found so far
/// are still found first.
fn search_path(folder: &Path, view: &Path) -> Option<(String, String)> {
    let above = folder.ancestors().take_while(|folder| folder.starts_with(view));
    let own: Vec<PathBuf> =
        above.flat_map(|folder| TOOL_FOLDERS.map(|name| folder.join(name))).filter(|folder| folder.is_dir()).collect();
    if own.is_empty() {
        return None;
    }
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::join_paths(std::env::split_paths(&usual).chain(own)).ok()?;
    Some(("PATH".to_owned(), all.into_string().ok()?))
}

/// A job for the thread.
#[derive(Debug)]
pub(super) enum RunnerJob {
    /// Runs the tests.
    Tests {
        /// A command other than the one in [`WorkerConfig`].
        command: Option<TestCommand>,
        /// Names of tests; all if empty.
        filter: Vec<String>,
        /// Number of cancellations when this run was requested.
        asked_at: u64,
        answer: Sender<Result<TestRun, FatalToolError>>,
    },
    /// Runs the prover.
    Prove { targets: Targets, answer: Sender<ProofResult> },
    /// Ends the thread. The answer says what had to be killed.
    End(Sender<Residue>),
}
