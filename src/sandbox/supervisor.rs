//! The outermost process of a worker: starts the host, and kills what outlives it.
//!
//! It contains no code that a call can reach, so it can clean up however the host ends: normally, out of memory,
//! crashed. As a subreaper it adopts every orphan below it. It also makes up for failed namespaces: a process that
//! failed half-way can't continue, so the supervisor starts another host, in namespaces made by bwrap, or without any.

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

/// The argument that starts the supervisor.
pub(super) const SUPERVISOR: &str = "supervisor";
/// The argument that starts the host; its [`WorkerConfig`], its [`NamespaceProvider`] and the layers made for it follow
/// as JSON.
pub(super) const HOST: &str = "host";
/// Exit code of a host that can't make its own namespaces; it writes the reason to stdout.
pub(super) const NO_NAMESPACES: u8 = 76;

/// Exit code of a supervisor that couldn't kill everything below it, because a process is blocked in the kernel.
pub(super) const SURVIVED: u8 = 77;

/// Runs the host to its end, then kills and reaps everything below.
///
/// # Errors
/// If the host can't be started.
pub(super) fn run() -> io::Result<ExitCode> {
    // The broker's own descriptors have close-on-exec; this is about inherited ones.
    let _ = descriptors::close_inherited_on_exec();
    let session = session::begin();
    // Without it (Linux 3.4) orphans would escape; the host checks it too and reports it.
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

/// Starts hosts one after another until one has what it needs.
struct Hosts<'a> {
    config: &'a WorkerConfig,
    /// The cgroup of hosts and commands, if there is one.
    group: Option<&'a Cgroup>,
    /// Layers made for them, for the journal: a session and that cgroup.
    layers: [Layer; 2],
    /// The connection to the broker, read only by the host, which ends when it closes.
    connection: &'a UnixStream,
}

impl Hosts<'_> {
    fn run(&self) -> io::Result<(ExitStatus, String)> {
        self.clear_marks();
        let own = self.own(&NamespaceProvider::Own)?;
        match own.0.code() {
            Some(code) if code == i32::from(NO_NAMESPACES) && self.config.confine => self.second_best(&own.1),
            Some(code) if code == i32::from(NO_NAMESPACES) => self.own(&NamespaceProvider::Bare { why: own.1 }),
            _ => Ok(own),
        }
    }

    /// Allows layers to be mounted that an earlier host had mounted, of this worker or of one that ended before it.
    fn clear_marks(&self) {
        if let Some(plan) = &self.config.overlay {
            plan.clear_marks();
        }
    }

    /// Runs a host that makes its own namespaces or has none: a copy of this process.
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

    /// Runs a host in bwrap's namespaces, or else without any.
    fn second_best(&self, why: &str) -> io::Result<(ExitStatus, String)> {
        self.clear_marks();
        match confine::by_bwrap(self.config, why) {
            Ok(inside) => self.inside(inside.command(), &NamespaceProvider::Bwrap(inside.provider.clone())),
            Err(nor) => self.own(&NamespaceProvider::Bare { why: format!("{why}; {nor}") }),
        }
    }

    /// Runs a host that `worker` starts.
    fn inside(&self, mut worker: Command, provider: &NamespaceProvider) -> io::Result<(ExitStatus, String)> {
        worker.arg(HOST).args(self.setup(provider).to_arguments()?);
        if let Some(group) = self.group {
            worker = group.around(&worker);
        }
        let (why, writer) = io::pipe()?;
        let host = worker.stdin(Stdio::inherit()).stdout(writer).spawn()?;
        // It also holds the pipe's other end.
        drop(worker);
        self.end_of(Pid::from_child(&host), why)
    }

    /// Waits for a host to end; the text is what it wrote to stdout.
    fn end_of(&self, host: Pid, why: PipeReader) -> io::Result<(ExitStatus, String)> {
        let status = self.wait(host)?;
        let mut said = String::new();
        if status.code() == Some(NO_NAMESPACES.into()) {
            why.take(1024).read_to_string(&mut said)?;
        }
        Ok((status, said))
    }

    /// Waits for the host. Without a broker it ends soon or is killed, since it may be stopped or blocked.
    fn wait(&self, host: Pid) -> io::Result<ExitStatus> {
        let handle = pidfd_open(host, PidfdFlags::empty())?;
        // With no requested events, only the socket's hang-up is reported.
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

/// Time for a host to end by itself once the broker is gone.
const GRACE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// The exit code; for a signal, as a shell reports it.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
