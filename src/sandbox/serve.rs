//! The host: confines itself, then answers calls until it is told to stop or the broker is gone.
//!
//! Each call has its own thread; the broker decides which calls may run concurrently. If a tool panics, its call fails
//! and the others continue. When the host ends, everything that it started has been killed.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::mem;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::process::{Signal, set_parent_process_death_signal};

use super::command::{CellPlan, CommandSandbox, ProofResult, Runner, Waiting};
use super::confine::{Confined, NoNamespaces};
use super::namespace_provider::NamespaceProvider;
use super::plan::WorkerConfig;
use super::proof::{Searching, Targets};
use super::protocol::{Decoder, FrameError, FromWorker, ToWorker, encode};
use super::supervisor::NO_NAMESPACES;
use super::{cgroup, confine, proof};
use crate::journal::Layer;
use crate::settings::{SecretFiles, TestCommand};
use crate::tools::{self, FatalToolError, TestRun, TestRunner, ToolContext};

/// Exit code of a host that can't serve and has said why.
const FAILED: u8 = 1;

/// What a host is told by whoever starts it.
pub(super) struct HostSetup {
    pub(super) config: WorkerConfig,
    pub(super) provider: NamespaceProvider,
    /// Layers made for it: a session and a cgroup.
    pub(super) layers: [Layer; 2],
}

impl HostSetup {
    /// Encodes it as arguments of a process.
    ///
    /// # Errors
    /// If it can't be encoded as JSON.
    pub(super) fn to_arguments(&self) -> serde_json::Result<[String; 3]> {
        let layers = serde_json::to_string(&self.layers)?;
        Ok([serde_json::to_string(&self.config)?, serde_json::to_string(&self.provider)?, layers])
    }

    /// Parses such arguments.
    ///
    /// # Errors
    /// If they are invalid.
    pub(super) fn of_arguments(mut arguments: impl Iterator<Item = OsString>) -> io::Result<Self> {
        let mut json = || arguments.next().and_then(|json| json.into_string().ok()).unwrap_or_default();
        let (config, provider) = (serde_json::from_str(&json())?, serde_json::from_str(&json())?);
        Ok(Self { config, provider, layers: serde_json::from_str(&json())? })
    }
}

/// Serves the broker at the other end of standard input; returns the exit code.
///
/// # Errors
/// If standard input is no connection.
pub(super) fn run(setup: HostSetup) -> io::Result<u8> {
    let HostSetup { config, provider, layers: [session, group] } = setup;
    let connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let mut inbox = Inbox { connection: connection.try_clone()?, decoder: Decoder::default() };
    let outbox = Outbox(Arc::new(Mutex::new(connection)));
    // Confines this process before it opens anything in the view, while this is the only thread.
    let mut namespaces = match confine::enter_namespaces(&config, &provider) {
        Ok(namespaces) => namespaces,
        Err(NoNamespaces(why)) => {
            io::stdout().write_all(why.as_bytes())?;
            return Ok(NO_NAMESPACES);
        }
    };
    let config = WorkerConfig { view: namespaces.view.clone(), ..config };
    let reach = CommandSandbox {
        domain: namespaces.domain.clone(),
        in_pid_namespaces: namespaces.in_namespaces,
        own_ipc: namespaces.in_namespaces,
        caches: namespaces.caches.clone(),
    };
    // The first command is the prover: its PID namespace is made and prepared while this process confines itself. Also while
    // this is the only thread.
    let plan = CellPlan { domain: reach.domain.as_ref(), view: &config.view };
    let waiting = reach.in_pid_namespaces.then(|| Waiting::ahead(plan));
    let mut meant = namespaces.meant(&config);
    let has_pid_namespaces = namespaces.in_namespaces && provider == NamespaceProvider::Own;
    let searched = namespaces.keep.take();
    let searching =
        if has_pid_namespaces { Searching::begin(&mut meant, mem::take(&mut namespaces.searched)) } else { None };
    let sight = outbox.clone();
    let tell = Box::new(move |progress| sight.send(&FromWorker::Progress(progress)));
    let runner = Runner::start(config.clone(), reach, tell, waiting)?;
    end_with_supervisor(namespaces.in_namespaces)?;
    let mut confined = namespaces.confine(&config);
    confined.sandbox.process &= session.holds;
    confined.sandbox.layers.push(session);
    if config.confine {
        confined.sandbox.layers.push(cgroup::found(group));
        let targets = config.targets.clone().map(|targets| targets.in_sandbox(meant));
        add_proof(&mut confined, targets, &runner, searching);
    }
    let host = match Host::new(&config, runner) {
        Ok(host) => Arc::new(host),
        Err(error) => {
            outbox.send(&FromWorker::Unfit { reason: error.to_string() });
            return Ok(FAILED);
        }
    };
    outbox.send(&FromWorker::Ready { sandbox: Box::new(confined.sandbox), searched });
    let last = host.serve(&mut inbox, &outbox);
    let residue = host.runner.close();
    if let Ok(Some(ToWorker::Stop)) = last {
        outbox.send(&FromWorker::Stopped(residue));
    }
    last.map(|_| 0)
}

/// Ends this process with the supervisor. The closed connection does that too, but not while the process is stopped. In
/// namespaces everything is killed with it; without, it has to go on to find what commands left.
fn end_with_supervisor(in_namespaces: bool) -> io::Result<()> {
    let signal = if in_namespaces { Signal::KILL } else { Signal::CONT };
    // After the namespaces, because a change of privileges resets this setting.
    Ok(set_parent_process_death_signal(Some(signal))?)
}

/// Runs the proof, before the first call.
fn add_proof(confined: &mut Confined, targets: Option<Targets>, runner: &Runner, searching: Option<Searching>) {
    let no_targets = || ProofResult {
        pid_namespaces: None,
        proofs: proof::none("there is nowhere to lay out what they are aimed at"),
    };
    let began = Instant::now();
    let proven = targets.map_or_else(no_targets, |targets| runner.prove(targets));
    let sandbox = &mut confined.sandbox;
    sandbox.process &= confined.signals || proven.pid_namespaces.as_ref().is_some_and(|layer| layer.holds);
    sandbox.layers.extend(proven.pid_namespaces);
    sandbox.proof = proven.proofs;
    sandbox.proof.extend(searching.map(Searching::finish).unwrap_or_default());
    sandbox.proof_ms = began.elapsed().as_millis() as u64;
}

/// State shared by all calls.
struct Host {
    room: ToolContext,
    runner: Arc<Runner>,
}

/// The runner as a [`TestRunner`] for the tool.
struct Shared(Arc<Runner>);

impl TestRunner for Shared {
    fn run(&self, filter: &[String]) -> Result<TestRun, FatalToolError> {
        self.0.run(filter)
    }
}

impl Host {
    fn new(config: &WorkerConfig, runner: Runner) -> io::Result<Self> {
        let view = Dir::open_ambient_dir(&config.view, ambient_authority())?;
        let logs = Dir::open_ambient_dir(&config.logs, ambient_authority())?;
        let secrets = SecretFiles::new(&config.readable_secrets).map_err(io::Error::other)?;
        let runner = Arc::new(runner);
        let for_tools = || Box::new(Shared(Arc::clone(&runner))) as Box<dyn TestRunner + Send + Sync>;
        let room = ToolContext::new(view, config.view.clone(), logs, config.tests.is_some().then(for_tools));
        Ok(Self { room: room.with_secrets(secrets, config.linked_secrets.clone()), runner })
    }

    /// Serves until the connection ends (`None`) or a stop arrives.
    fn serve(self: &Arc<Self>, inbox: &mut Inbox, outbox: &Outbox) -> io::Result<Option<ToWorker>> {
        loop {
            match inbox.next()? {
                Some(ToWorker::Call { id, name, arguments }) => {
                    self.in_thread(id, outbox, move |host| host.call(id, &name, &arguments));
                }
                Some(ToWorker::RunTests { id, command, filter }) => {
                    self.in_thread(id, outbox, move |host| host.run_tests(id, command, &filter));
                }
                Some(ToWorker::Cancel) => self.runner.cancel(),
                end @ (Some(ToWorker::Stop) | None) => return Ok(end),
                Some(ToWorker::Begin(_)) => return Err(io::Error::other("a worker can't begin twice")),
            }
        }
    }

    /// Answers a call from its own thread, even if `answer` panics.
    fn in_thread(
        self: &Arc<Self>,
        id: u64,
        outbox: &Outbox,
        answer: impl FnOnce(&Self) -> FromWorker + Send + 'static,
    ) {
        let (host, answers) = (Arc::clone(self), outbox.clone());
        let started = thread::Builder::new().name(format!("call {id}")).spawn(move || {
            // Partial changes are in the view, or behind mutexes that are poisoned.
            let answer = catch_unwind(AssertUnwindSafe(|| answer(&host)));
            answers.send(&answer.unwrap_or_else(|panic| failed(id, FatalToolError::new(words_of(&*panic)))));
        });
        if let Err(error) = started {
            outbox.send(&failed(id, FatalToolError::new(format!("no thread could be started: {error}"))));
        }
    }

    fn call(&self, id: u64, name: &str, arguments: &str) -> FromWorker {
        match tools::call(&self.room, name, arguments) {
            Ok(observation) => FromWorker::Observed { id, observation },
            Err(error) => failed(id, error),
        }
    }

    fn run_tests(&self, id: u64, command: Option<TestCommand>, filter: &[String]) -> FromWorker {
        match self.runner.run_command(command, filter) {
            Ok(run) => FromWorker::TestsRan { id, run },
            Err(error) => failed(id, error),
        }
    }
}

fn failed(id: u64, error: FatalToolError) -> FromWorker {
    FromWorker::Failed { id, reason: error.message, disk: error.disk }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a bug in kcode: {}", words.unwrap_or_else(|| "a tool panicked".into()))
}

/// Incoming messages.
struct Inbox {
    connection: UnixStream,
    decoder: Decoder,
}

impl Inbox {
    /// The next message; `None` at the end of the connection.
    fn next(&mut self) -> io::Result<Option<ToWorker>> {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            if let Some(message) = self.decoder.next_message().map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            match self.connection.read(&mut chunk) {
                Ok(0) => return Ok(None),
                Ok(read) => self.decoder.push(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The other end was closed without a stop.
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Outgoing messages, shared by all calls; each is written completely.
#[derive(Clone)]
struct Outbox(Arc<Mutex<UnixStream>>);

impl Outbox {
    /// Sends a message. Errors are ignored: if the broker is gone, the incoming side ends as well, and with it the
    /// host.
    fn send(&self, message: &FromWorker) {
        let frame = encode(message).or_else(|error| encode(&too_long(message, &error)));
        if let Ok(frame) = frame {
            let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = connection.write_all(&frame);
        }
    }
}

/// The answer sent instead of one that is too long.
fn too_long(message: &FromWorker, error: &FrameError) -> FromWorker {
    let reason = error.to_string();
    match message {
        FromWorker::Observed { id, .. } | FromWorker::TestsRan { id, .. } | FromWorker::Failed { id, .. } => {
            failed(*id, FatalToolError::new(reason))
        }
        FromWorker::Ready { .. } | FromWorker::Unfit { .. } | FromWorker::Progress(_) | FromWorker::Stopped(_) => {
            FromWorker::Unfit { reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Observation;

    fn host(folder: &std::path::Path) -> Arc<Host> {
        let dir = || Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
        let config = r#"{"view":"","logs":"","scratch":"","readable":[],"readable_secrets":[],"home":null,"tests":null,
            "deadline":{"secs":1,"nanos":0},"idle":{"secs":1,"nanos":0},"confine":false}"#;
        let reach = CommandSandbox { domain: None, in_pid_namespaces: false, own_ipc: false, caches: Vec::new() };
        let runner = Runner::start(serde_json::from_str(config).unwrap(), reach, Box::new(drop), None).unwrap();
        Arc::new(Host { room: ToolContext::new(dir(), folder.to_owned(), dir(), None), runner: Arc::new(runner) })
    }

    fn answer(to: impl FnOnce(&Host) -> FromWorker + Send + 'static) -> FromWorker {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        host(folder.path()).in_thread(7, &Outbox(Arc::new(Mutex::new(theirs))), to);
        let (mut ours, mut decoder, mut chunk) = (ours, Decoder::default(), [0; 4096]);
        loop {
            if let Some(message) = decoder.next_message().unwrap() {
                return message;
            }
            let read = ours.read(&mut chunk).unwrap();
            assert_ne!(read, 0, "the answer is missing");
            decoder.push(&chunk[..read]);
        }
    }

    #[test]
    fn a_tool_that_panics_is_answered_as_failed() {
        let failed = answer(|_| panic!("index out of bounds"));
        let reason = "a bug in kcode: index out of bounds".to_owned();
        assert_eq!(failed, FromWorker::Failed { id: 7, reason, disk: false });
    }

    #[test]
    fn an_answer_that_is_too_long_is_answered_as_failed() {
        let text = "x".repeat(super::super::protocol::MAX_FRAME);
        let long = answer(move |_| FromWorker::Observed {
            id: 7,
            observation: Observation { text, ..Observation::default() },
        });
        assert!(matches!(long, FromWorker::Failed { id: 7, .. }), "{long:?}");
    }
}
