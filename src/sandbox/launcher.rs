//! The broker's side: starts a worker, sends it calls, and makes sure that it ends.
//!
//! Calls may run concurrently; answers are matched by id. Nothing survives a [`Worker`]: stopping it reports what had
//! to be killed, and dropping it closes the connection, on which the worker kills everything it started and exits. The
//! same happens if the broker is killed, because the kernel then closes the connection.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::WorkerError;
use super::outer::Outer;
use super::pending_answers::{CONTROL, PendingAnswers, lock, receive};
use super::plain_paths::real;
use super::plan::{WorkerConfig, WorkerPlan};
use super::proof::{self, Canary};
use super::protocol::{FromWorker, ToWorker, encode};
use super::supervisor::{SUPERVISOR, SURVIVED};
use super::user::User;
use super::visible::{self, Known, SearchToKeep, VisibilityRequest, Visible};
use super::{advice, caches, copy_links, environment, session};
use crate::journal::{Guard, Residue, SandboxBuilt, open_own};
use crate::settings::{Sandbox, TestCommand};
use crate::tools::{Observation, TestRun};

/// Longest wait for a worker to confine itself; it takes milliseconds.
const START_LIMIT: Duration = Duration::from_mins(5);
/// Longest wait for a worker's answer to a stop, and then for its end; killing and reaping takes milliseconds.
const STOP_LIMIT: Duration = Duration::from_secs(6);
/// Bytes of the worker's stderr that an error quotes.
const LAST_WORDS: u64 = 4 * 1024;
/// The worker's stderr, a file in `logs/`.
const STDERR_LOG: &str = "worker.log";

/// A running worker, to which calls can be sent.
#[derive(Debug)]
pub struct Worker {
    calls: Arc<Mutex<PendingAnswers>>,
    next_id: AtomicU64,
    writer: AsyncMutex<OwnedWriteHalf>,
    reader: JoinHandle<()>,
    /// A second handle of the connection, to close it without waiting.
    connection: StdStream,
    outer: Outer,
    stderr: PathBuf,
    searched: Option<SearchToKeep>,
}

/// A worker that was started but not configured yet.
#[derive(Debug)]
pub struct Launched {
    worker: Worker,
    took: Duration,
}

impl Worker {
    /// Starts a worker and waits until it has confined itself according to `plan`.
    ///
    /// # Errors
    /// If it can't be started, can't serve, or `plan` is strict and a guard is missing.
    pub async fn start(plan: WorkerPlan) -> Result<(Self, SandboxBuilt), WorkerError> {
        Self::launch(&plan)?.confine(plan).await
    }

    /// Starts the process without configuring it. What it may read and how tests are run can be found out meanwhile.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn launch(plan: &WorkerPlan) -> Result<Launched, WorkerError> {
        let began = Instant::now();
        let stderr = plan.logs.join(STDERR_LOG);
        let (child, connection) = launch(plan, &stderr).map_err(WorkerError::Spawn)?;
        let worker = Self::attach(child, connection, stderr).map_err(WorkerError::Spawn)?;
        Ok(Launched { worker, took: began.elapsed() })
    }

    /// Takes over a worker at the other end of `connection`.
    fn attach(child: Child, connection: StdStream, stderr: PathBuf) -> io::Result<Self> {
        connection.set_nonblocking(true)?;
        let (reading, writing) = UnixStream::from_std(connection.try_clone()?)?.into_split();
        let calls = Arc::new(Mutex::new(PendingAnswers::default()));
        let reader = tokio::spawn(receive(reading, Arc::clone(&calls)));
        let outer = Outer::watch(child, connection.try_clone()?)?;
        let writer = AsyncMutex::new(writing);
        Ok(Self {
            calls,
            next_id: AtomicU64::new(CONTROL + 1),
            writer,
            reader,
            connection,
            outer,
            stderr,
            searched: None,
        })
    }

    /// What it found that isn't kept yet; to be written when nothing waits any more.
    pub const fn search_to_keep(&mut self) -> Option<SearchToKeep> {
        self.searched.take()
    }

    /// Runs `tool` with `arguments`, both as the model wrote them.
    ///
    /// # Errors
    /// If the worker is gone, or the tool failed in a way that the model can't change.
    pub async fn call(&self, tool: &str, arguments: &str) -> Result<Observation, WorkerError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        match self.ask(id, &ToWorker::Call { id, name: tool.to_owned(), arguments: arguments.to_owned() }).await? {
            FromWorker::Observed { observation, .. } => Ok(observation),
            other => Err(failed(tool, other)),
        }
    }

    /// Runs the tests that `filter` names, or all.
    ///
    /// # Errors
    /// If the worker is gone, or the tests can't be run.
    pub async fn run_tests(&self, filter: &[String]) -> Result<TestRun, WorkerError> {
        self.run("the test command", None, filter).await
    }

    /// Runs a command other than the one that the worker was started with.
    ///
    /// # Errors
    /// If the worker is gone, or the command can't be started.
    pub async fn run_command(&self, command: &TestCommand) -> Result<TestRun, WorkerError> {
        self.run(&command.to_string(), Some(command.clone()), &[]).await
    }

    async fn run(&self, name: &str, command: Option<TestCommand>, filter: &[String]) -> Result<TestRun, WorkerError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        match self.ask(id, &ToWorker::RunTests { id, command, filter: filter.to_vec() }).await? {
            FromWorker::TestsRan { run, .. } => Ok(run),
            other => Err(failed(name, other)),
        }
    }

    /// Ends every running or waiting command; their calls are answered soon, as `cancelled`.
    ///
    /// # Errors
    /// If the worker is gone.
    pub async fn cancel_all(&self) -> Result<(), WorkerError> {
        // A worker that doesn't read any more is ended later.
        timeout(STOP_LIMIT, self.send(&ToWorker::Cancel)).await.unwrap_or(Ok(()))
    }

    /// Ends the worker and everything it started.
    pub async fn stop(self) -> Residue {
        let farewell = self.ask(CONTROL, &ToWorker::Stop);
        let residue = match timeout(STOP_LIMIT, farewell).await {
            Ok(Ok(FromWorker::Stopped(residue))) => Some(residue),
            _ => None,
        };
        self.cut();
        if let Some(ended) = self.outer.end(STOP_LIMIT).await {
            let residue = residue.unwrap_or_default();
            let survived = u64::from(ended.code == Some(SURVIVED.into()));
            return Residue { survivors: residue.survivors.max(survived), ..residue };
        }
        // Only a process that is blocked in the kernel gets here, possibly for ever.
        let survivors = u64::from(!self.outer.kill().await);
        Residue { killed: 1, survivors }
    }

    /// Sends `message` and waits for the answer with `id`.
    async fn ask(&self, id: u64, message: &ToWorker) -> Result<FromWorker, WorkerError> {
        let (answer, waiting) = oneshot::channel();
        let over = {
            let mut calls = lock(&self.calls);
            calls.waiting.insert(id, answer);
            calls.over
        };
        let sent = if over { Ok(()) } else { self.send(message).await };
        if let Err(error @ WorkerError::Protocol(_)) = sent {
            // The message is invalid and was never sent.
            lock(&self.calls).waiting.remove(&id);
            return Err(error);
        }
        if over || sent.is_err() {
            return Err(self.death().await);
        }
        match waiting.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.death().await),
        }
    }

    async fn send(&self, message: &ToWorker) -> Result<(), WorkerError> {
        let frame = encode(message)?;
        let written = self.writer.lock().await.write_all(&frame).await;
        match written {
            Ok(()) => Ok(()),
            Err(_) => Err(self.death().await),
        }
    }

    /// The error if no answer will come.
    async fn death(&self) -> WorkerError {
        self.cut();
        if let Some(error) = lock(&self.calls).garbled.take() {
            return WorkerError::Protocol(error);
        }
        let status = match self.outer.end(STOP_LIMIT).await {
            Some(ended) => ended.words,
            None if self.outer.kill().await => "it closed its connection and had to be killed".to_owned(),
            None => "it closed its connection and can't be killed".to_owned(),
        };
        WorkerError::Died { status, stderr: tail(&self.stderr).unwrap_or_default() }
    }

    fn cut(&self) {
        // Fails only if the other end has already closed it.
        let _ = self.connection.shutdown(Shutdown::Both);
    }
}

impl Launched {
    /// Makes the worker confine itself according to `plan`, the one that it was launched with, and waits until it has.
    ///
    /// # Errors
    /// If it can't serve, or `plan` is strict and a guard is missing.
    pub async fn confine(self, plan: WorkerPlan) -> Result<(Worker, SandboxBuilt), WorkerError> {
        // Timed from here, because a person may have been asked before.
        let began = Instant::now();
        let user = User::of_process();
        let scratch = real(&plan.scratch);
        let canary = if plan.sandbox == Sandbox::Off { None } else { Canary::lay(user.home.as_deref(), &scratch).ok() };
        lock(&self.worker.calls).listener = plan.listener.clone();
        let config = WorkerConfig {
            beside: copy_links::link(&plan),
            ..plan.config(&user, canary.as_ref().map(Canary::targets))
        };
        let first = ToWorker::Begin(Box::new(config));
        let answer = async {
            held_back().await;
            self.worker.ask(CONTROL, &first).await
        };
        let (mut sandbox, searched) = match timeout(START_LIMIT, answer).await {
            Ok(Ok(FromWorker::Ready { sandbox, searched })) => (*sandbox, searched),
            Ok(Ok(FromWorker::Unfit { reason })) => return Err(WorkerError::Unfit(reason)),
            Ok(Ok(other)) => return Err(WorkerError::Unfit(format!("it began with {other:?}"))),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(WorkerError::Late(START_LIMIT)),
        };
        if let Some(canary) = canary {
            canary.judge(&mut sandbox.proof);
        }
        count_proof(&mut sandbox);
        advice::add(&mut sandbox.layers, |path| fs::read_to_string(path).ok());
        sandbox.ms = (self.took + began.elapsed()).as_millis() as u64;
        let guards = gaps(&sandbox);
        if plan.sandbox == Sandbox::Strict && !guards.is_empty() {
            self.worker.stop().await;
            return Err(WorkerError::SandboxIncomplete { guards, sandbox: Box::new(sandbox) });
        }
        let mut worker = self.worker;
        worker.searched = plan.kept_searches.zip(searched).map(|(file, text)| SearchToKeep { file, text });
        Ok((worker, sandbox))
    }
}

/// Waits while a file that tests name exists, to simulate a slow machine. Release builds ignore it (see
/// `journal::crash`).
async fn held_back() {
    let file = if cfg!(debug_assertions) { std::env::var_os("KCODE_TEST_HOLD_BACK") } else { None };
    while file.as_ref().is_some_and(|file| Path::new(file).exists()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cut();
        self.reader.abort();
    }
}

/// Names of the variables that commands will get; `child_env` are those that a person allowed.
#[must_use]
pub fn variables(child_env: &[String]) -> Vec<String> {
    let user = User::of_process();
    let mut names = environment::names(&user, child_env);
    names.extend(caches::of_user(&user, &[]).into_iter().filter_map(|cache| Some(cache.variable?.0)));
    names
}

/// What commands of a worker with this plan may see of the machine.
#[must_use]
pub fn shown(plan: &WorkerPlan) -> Visible {
    let user = User::of_process();
    let environment = environment::build(&user, &real(&plan.scratch), &plan.child_env);
    let variable = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let config = plan.config(&user, None);
    let program = plan.program.clone().or_else(|| std::env::current_exe().ok());
    let sockets = visible::sockets();
    let asked =
        VisibilityRequest { config: &config, variable: &variable, program, sockets: &sockets, known: Known::default() };
    visible::visible(&asked, true)
}

/// Starts the process and connects to it.
fn launch(plan: &WorkerPlan, stderr: &Path) -> io::Result<(Child, StdStream)> {
    for folder in [plan.logs.clone(), plan.scratch.join("home"), plan.scratch.join("tmp")] {
        fs::create_dir_all(folder)?;
    }
    let (ours, theirs) = StdStream::pair()?;
    let user = User::of_process();
    // This link names the running binary even after an update has replaced the file.
    let program = plan.program.clone().unwrap_or_else(|| "/proc/self/exe".into());
    let mut worker = Command::new(program);
    if session::takes_leaders() {
        // Protects it from Ctrl-C from the start; it begins its own session as soon as it runs.
        worker.process_group(0);
    }
    let child = worker
        .args([super::SUBCOMMAND, SUPERVISOR])
        .env_clear()
        .envs(environment::build(&user, &real(&plan.scratch), &plan.child_env))
        .current_dir(&plan.view)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(File::create(stderr)?)
        .spawn()?;
    Ok((child, ours))
}

/// Counts a guard as holding only if every attempt against it was refused as well.
fn count_proof(sandbox: &mut SandboxBuilt) {
    sandbox.tree &= proof::holds(&sandbox.proof, Guard::Files);
    sandbox.process &= proof::holds(&sandbox.proof, Guard::Processes);
    sandbox.network &= proof::holds(&sandbox.proof, Guard::Network);
}

/// The guards that don't hold.
fn gaps(sandbox: &SandboxBuilt) -> Vec<&'static str> {
    Guard::ALL.into_iter().filter(|guard| !sandbox.holds(*guard)).map(Guard::name).collect()
}

fn failed(tool: &str, answer: FromWorker) -> WorkerError {
    let (reason, disk) = match answer {
        FromWorker::Failed { reason, disk, .. } => (reason, disk),
        other => (format!("the worker answered something else: {other:?}"), false),
    };
    WorkerError::Failed { tool: tool.to_owned(), reason, disk }
}

fn tail(file: &Path) -> io::Result<String> {
    let mut file = open_own(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
    let mut bytes = Vec::new();
    file.take(LAST_WORDS).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
