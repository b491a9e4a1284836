//! The attempts to break out. Each is harmless if it succeeds: it touches only what belongs to kcode, or nothing.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, PipeReader, Read};
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{Pid, getppid};

use super::surviving_process::{LINGER, linger};
use super::targets::Targets;
use super::{OUTLIVE, mounts, other_processes, shared_memory, terminal, tracing};
use crate::journal::{Guard, Proof};
use crate::sandbox::{confine, descendants, fork};

/// An unassigned address (RFC 5737): looking up its route sends nothing.
const NOWHERE: &str = "192.0.2.1:9";

/// Result of an attempt: an error is the hoped-for refusal, a success is a gap.
pub(super) type AttemptResult = io::Result<&'static str>;

/// Makes all attempts.
pub(super) fn attempts(targets: &Targets) -> Vec<Proof> {
    let mut proofs = Vec::new();
    files(targets, |attempt, tried| proofs.push(proof(Guard::Files, attempt, tried)));
    network(targets, |attempt, tried| proofs.push(proof(Guard::Network, attempt, tried)));
    processes(targets, |attempt, tried| proofs.push(proof(Guard::Processes, attempt, tried)));
    // Started early, because its check takes longest.
    let left = leave_somebody();
    match &targets.meant {
        Some(meant) => proofs.extend(mounts::look(meant)),
        None => proofs.extend(super::none("nobody said what is to be shown")),
    }
    proofs.push(is_there(left));
    proofs
}

fn proof(guards: Guard, attempt: &str, tried: AttemptResult) -> Proof {
    let held = tried.is_err();
    let detail = tried.map_or_else(|refusal| words(&refusal), str::to_owned);
    Proof { guards, attempt: attempt.to_owned(), held, detail }
}

/// The error's text without its number in brackets.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

fn worked<T>(tried: io::Result<T>) -> AttemptResult {
    tried.map(|_| "it worked")
}

fn files(targets: &Targets, mut add: impl FnMut(&str, AttemptResult)) {
    let secret = &targets.secret;
    let canary = secret.parent().unwrap_or(secret);
    add("write a file outside the view", make(canary));
    add("write a file beside kcode's own", make(canary.parent().unwrap_or(canary)));
    add("write a file among the system's programs", make(Path::new("/usr/bin")));
    add("make a folder outside the view", make_folder(canary));
    add("change a file outside the view", worked(OpenOptions::new().append(true).open(secret)));
    add("change a file's mode outside the view", worked(fs::set_permissions(secret, Permissions::from_mode(0o600))));
    add("read a secret in the home folder", read(secret));
    add("read it through a link", through_link(targets));
    add("read it through kcode's root in /proc", read(&proc(targets, "root").join(relative(secret))));
    add("open the kernel's settings for writing", open_setting());
}

fn network(targets: &Targets, mut add: impl FnMut(&str, AttemptResult)) {
    if let Some(port) = targets.tcp {
        add("connect to a TCP port of this machine", worked(TcpStream::connect(("127.0.0.1", port))));
    }
    if let Some(path) = &targets.path_socket {
        add("connect to a socket file of this machine", worked(UnixStream::connect(path)));
    }
    if let Some(name) = &targets.abstract_socket {
        let address = SocketAddr::from_abstract_name(name);
        let tried = address.and_then(|address| UnixStream::connect_addr(&address));
        add("connect to an abstract socket of this machine", worked(tried));
    }
    let route = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.connect(NOWHERE));
    add("find a way to another machine", worked(route));
    if let Some(port) = targets.udp {
        // The broker checks whether it arrived.
        let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", ("127.0.0.1", port)));
    }
}

fn processes(targets: &Targets, mut add: impl FnMut(&str, AttemptResult)) {
    let (pid, began) = targets.broker;
    // In a PID namespace of its own the same PID may be another process's.
    let broker = Pid::from_raw(pid as i32).filter(|pid| descendants::started(*pid) == Some(began));
    let hidden = || io::Error::other("there is no such process in sight");
    let seen = broker.ok_or_else(hidden);
    let with = |attempt: fn(Pid) -> AttemptResult| seen.as_ref().map_or_else(|_| Err(hidden()), |pid| attempt(*pid));
    add("read kcode's environment", with(|pid| read(&Path::new("/proc").join(pid.to_string()).join("environ"))));
    add("open kcode's memory", with(|pid| worked(File::open(format!("/proc/{pid}/mem")))));
    let outside: Vec<Pid> = [Some(targets.broker), targets.worker].into_iter().flatten().filter_map(named).collect();
    other_processes::attempts(&outside, &mut add);
    let near = broker.or_else(getppid);
    add("trace another process", near.ok_or_else(hidden).and_then(|pid| worked(tracing::attach(pid))));
    add("read another process's memory", near.ok_or_else(hidden).and_then(peek));
    add("mount a file system", mount_something(&targets.own));
    add("make a namespace", worked(confine::unshare_users()));
    add("share memory with kcode's session", shared_memory::reach(targets.ipc));
    terminal::attempts(broker, add);
}

/// The process with that PID and start time. A process that isn't visible may exist nevertheless.
fn named((number, began): (u32, u64)) -> Option<Pid> {
    let pid = Pid::from_raw(i32::try_from(number).ok()?)?;
    descendants::started(pid).is_none_or(|started| started == began).then_some(pid)
}

fn proc(targets: &Targets, entry: &str) -> PathBuf {
    Path::new("/proc").join(targets.broker.0.to_string()).join(entry)
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn make(folder: &Path) -> AttemptResult {
    let file = folder.join(format!(".kcode-proof-{}", std::process::id()));
    let made = worked(File::create_new(&file));
    if made.is_ok() {
        // Cleans up; the attempt has already succeeded.
        let _ = fs::remove_file(file);
    }
    made
}

fn make_folder(folder: &Path) -> AttemptResult {
    let made = folder.join(format!(".kcode-proof-folder-{}", std::process::id()));
    let tried = worked(fs::create_dir(&made));
    if tried.is_ok() {
        let _ = fs::remove_dir(made);
    }
    tried
}

fn read(file: &Path) -> AttemptResult {
    match File::open(file)?.read(&mut [0; 1])? {
        0 => Err(io::Error::other("it looks empty")),
        _ => Ok("it worked"),
    }
}

fn through_link(targets: &Targets) -> AttemptResult {
    let link = targets.own.join(".kcode-proof-link");
    // Left by a proof that was interrupted.
    let _ = fs::remove_file(&link);
    if symlink(&targets.secret, &link).is_err() {
        return Ok("not tried: the link could not be made");
    }
    let tried = read(&link);
    let _ = fs::remove_file(link);
    tried
}

/// Opening suffices; nothing is written.
fn open_setting() -> AttemptResult {
    worked(OpenOptions::new().write(true).open("/proc/sys/kernel/core_pattern"))
}

/// `EFAULT` means that the kernel tried.
fn peek(process: Pid) -> AttemptResult {
    match tracing::peek(process) {
        Err(error) if error.raw_os_error() == Some(Errno::FAULT.raw_os_error()) => Ok("it worked"),
        other => worked(other),
    }
}

fn mount_something(own: &Path) -> AttemptResult {
    let place = own.join(".kcode-proof-mount");
    if fs::create_dir_all(&place).is_err() {
        return Ok("not tried: the folder could not be made");
    }
    let mounted = worked(mount("tmpfs", &place, "tmpfs", MountFlags::NOSUID, c"").map_err(io::Error::from));
    if mounted.is_ok() {
        let _ = unmount(&place, UnmountFlags::DETACH);
    }
    let _ = fs::remove_dir(place);
    mounted
}

/// Starts a process that tries to survive. Whoever watches the command checks whether it is gone.
fn leave_somebody() -> io::Result<PipeReader> {
    let (says, writer) = io::pipe()?;
    fork::start(LINGER, || linger(writer))?;
    Ok(says)
}

/// Waits until it reports that it runs.
fn is_there(left: io::Result<PipeReader>) -> Proof {
    let left = left.and_then(|mut says| says.read_exact(&mut [0; 1]));
    let detail = left.as_ref().map_or_else(|error| format!("not tried: {error}"), |()| "it was left running".into());
    Proof { guards: Guard::Processes, attempt: OUTLIVE.into(), held: left.is_ok(), detail }
}
