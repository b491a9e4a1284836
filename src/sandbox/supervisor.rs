//! The outer process of a worker: starts the host, and kills what outlives it.
//!
//! It holds no code that a call can reach, so it is there to clean up whatever becomes of the
//! host: finished, out of memory, crashed. Being a subreaper, it inherits every orphan below it.
//! It also lets the host try namespaces: a process that failed half-way can't go back, so another
//! one takes its place, in those that bwrap makes, or without.

use std::io::{self, PipeReader, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, WaitOptions, getpid, pidfd_open, set_child_subreaper, waitpid};

use super::cgroup::{self, Cgroup};
use super::namespace_provider::NamespaceProvider;
use super::plan::WorkerConfig;
use super::protocol::{ToWorker, receive};
use super::serve::{self, HostSetup};
use super::{confine, descendants, descriptors, fork, session};
use crate::journal::Layer;

/// The argument that makes a worker process the outermost one.
pub(super) const SUPERVISOR: &str = "supervisor";
/// The argument that makes a worker process the host; its [`WorkerConfig`], its [`NamespaceProvider`] and the layers that were made for
/// it follow, all as JSON.
pub(super) const HOST: &str = "host";
/// The exit code of a host that can't make namespaces of its own; why stands on its stdout.
pub(super) const NO_NAMESPACES: u8 = 76;

/// The exit code of a supervisor that could not kill everything below it: the kernel holds on to something.
pub(super) const SURVIVED: u8 = 77;

/// Runs the host to its end, then kills and reaps everything below.
///
/// # Errors
/// When the host can't be started.
pub(super) fn run() -> io::Result<ExitCode> {
    // The broker closes what it opens; this is about what was open before it began, and costs no more than an old kernel.
    let _ = descriptors::close_inherited_on_exec();
    let session = session::begin();
    // Without this (it needs Linux 3.4) orphans would leave; the host notices the same and reports it.
    let _ = set_child_subreaper(Some(getpid()));
    let mut connection = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let ToWorker::Begin(config) = receive(&mut connection)? else {
        return Err(io::Error::other("the first message must say what to work on"));
    };
    let (group, layer) = cgroup::prepare(config.confine);
    let hosts = Hosts { config: &config, group: group.as_ref(), layers: [session, layer], connection: &connection };
    let status = hosts.run();
    let left = descendants::kill_all();
    descendants::reap();
    if let Some(group) = group {
        group.end();
    }
    if left.survivors > 0 {
        return Ok(ExitCode::from(SURVIVED));
    }
    Ok(code(status?.0))
}

/// The hosts that are tried one after another, until one has what it needs.
struct Hosts<'a> {
    config: &'a WorkerConfig,
    /// Where they and all commands are, if there is one.
    group: Option<&'a Cgroup>,
    /// What was made for them, for the journal: a session and that group.
    layers: [Layer; 2],
    /// To the broker, which the host alone reads; its end is the end of the host.
    connection: &'a UnixStream,
}

impl Hosts<'_> {
    fn run(&self) -> io::Result<(ExitStatus, String)> {
        let own = self.own(&NamespaceProvider::Own)?;
        match own.0.code() {
            Some(code) if code == i32::from(NO_NAMESPACES) && self.config.confine => self.second_best(&own.1),
            Some(code) if code == i32::from(NO_NAMESPACES) => self.own(&NamespaceProvider::Bare { why: own.1 }),
            _ => Ok(own),
        }
    }

    /// A host that makes its namespaces itself, or has none: a copy of this process.
    fn own(&self, provider: &NamespaceProvider) -> io::Result<(ExitStatus, String)> {
        let (why, writer) = io::pipe()?;
        let host = fork::start(HOST, || {
            if let Some(group) = self.group {
                group.enter();
            }
            rustix::stdio::dup2_stdout(&writer)?;
            serve::run(self.setup(provider))
        })?;
        drop(writer);
        self.end_of(host, why)
    }

    fn setup(&self, provider: &NamespaceProvider) -> HostSetup {
        HostSetup { config: self.config.clone(), provider: provider.clone(), layers: self.layers.clone() }
    }

    /// One in the namespaces that bwrap makes, else without any.
    fn second_best(&self, why: &str) -> io::Result<(ExitStatus, String)> {
        match confine::by_bwrap(self.config, why) {
            Ok(inside) => self.inside(inside.command(), &NamespaceProvider::Bwrap(inside.provider.clone())),
            Err(nor) => self.own(&NamespaceProvider::Bare { why: format!("{why}; {nor}") }),
        }
    }

    /// One that another program starts, with `worker` as its beginning.
    fn inside(&self, mut worker: Command, provider: &NamespaceProvider) -> io::Result<(ExitStatus, String)> {
        worker.arg(HOST).args(self.setup(provider).to_arguments()?);
        if let Some(group) = self.group {
            worker = group.around(&worker);
        }
        let (why, writer) = io::pipe()?;
        let host = worker.stdin(Stdio::inherit()).stdout(writer).spawn()?;
        // It holds on to the pipe's other end as well.
        drop(worker);
        self.end_of(Pid::from_child(&host), why)
    }

    /// Waits for the end of a host; the text is what it wrote to stdout.
    fn end_of(&self, host: Pid, why: PipeReader) -> io::Result<(ExitStatus, String)> {
        let status = self.wait(host)?;
        let mut said = String::new();
        if status.code() == Some(NO_NAMESPACES.into()) {
            why.take(1024).read_to_string(&mut said)?;
        }
        Ok((status, said))
    }

    /// Until the host ends. Without a broker it does soon, or is killed: it may be stopped, or held on to by the kernel.
    fn wait(&self, host: Pid) -> io::Result<ExitStatus> {
        let handle = pidfd_open(host, PidfdFlags::empty())?;
        // Asked for nothing, a socket tells of its end alone.
        let mut watched = [PollFd::new(&handle, PollFlags::IN), PollFd::new(self.connection, PollFlags::empty())];
        while poll(&mut watched, None) == Err(Errno::INTR) {}
        if watched[0].revents().is_empty() && poll(&mut watched[..1], Some(&GRACE)) != Ok(1) {
            return Err(io::Error::other("the host did not end with the connection"));
        }
        let ended = retry_on_intr(|| waitpid(Some(host), WaitOptions::empty()))?;
        let (_, status) = ended.ok_or_else(|| io::Error::other("the host has no end"))?;
        Ok(ExitStatus::from_raw(status.as_raw()))
    }
}

/// How long a host may take to end by itself once the broker is gone.
const GRACE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// The same exit code; as a shell would put it when a signal was the end.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
