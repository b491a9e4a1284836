//! Namespaces: user, mount, network, IPC and UTS for the worker, and PID and IPC for each command.
//!
//! They need no privileges where the kernel allows unprivileged user namespaces. Inside, the worker has the same user
//! and no other is mapped, and its network is only a loopback.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};
use rustix::process::{getgid, getuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::limits;

/// Longest wait for the kernel to remove a thread that has ended; it takes microseconds.
const PUT_AWAY: Duration = Duration::from_millis(100);

/// Enters the worker's namespaces; this must be the only thread.
///
/// # Errors
/// If the kernel or its policy refuses. The process can't be used any more then: it may have lost its user.
pub(super) fn enter() -> io::Result<()> {
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS)
}

/// Enters a mount namespace with unchanged mounts; this must be the only thread.
///
/// # Errors
/// As [`enter`].
pub(super) fn enter_mounts() -> io::Result<()> {
    // A process that may mount keeps its privileges and all users.
    unshare_checked(UnshareFlags::NEWNS).or_else(|_| unshare(UnshareFlags::NEWNS))
}

/// Enters a command's namespaces as the worker's user; the caller's next child becomes their first process.
///
/// # Errors
/// If the kernel or its policy refuses.
pub(in crate::sandbox) fn unshare_pid_namespace() -> io::Result<()> {
    // The worker's mounts can't be undone from here: they belong to the parent user namespace.
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC)?;
    limits::keep_capabilities_of_pid_namespace()
}

/// Used by the proof: tries to enter a user namespace, in which this process would have every capability.
///
/// # Errors
/// If the kernel refuses, which is hoped for.
pub(in crate::sandbox) fn unshare_users() -> io::Result<()> {
    unshare_checked(UnshareFlags::NEWUSER)
}

/// Enters new namespaces and a user namespace that owns them, with only the current user and group.
fn unshare(spaces: UnshareFlags) -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    alone(spaces | UnshareFlags::NEWUSER).map_err(|error| match Errno::from_io_error(&error) {
        // The system's message would be about a full disk (user_namespaces(7)).
        Some(Errno::NOSPC) => io::Error::other("there may be no more of them"),
        _ => error,
    })?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    // Otherwise an ordinary user may not map a group.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// A thread that has ended and was joined still counts until the kernel has removed it.
fn alone(flags: UnshareFlags) -> io::Result<()> {
    let limit = Instant::now() + PUT_AWAY;
    loop {
        match unshare_checked(flags) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) && Instant::now() < limit => {
                thread::sleep(Duration::from_micros(20));
            }
            done => return done,
        }
    }
}

#[expect(unsafe_code, reason = "the call is unsafe for one flag only")]
fn unshare_checked(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only `FILES` could break other threads, and no caller passes it.
    Ok(unsafe { unshare_unsafe(flags) }?)
}

/// Switches the loopback on, which tests with local servers need, and checks that there is nothing else.
///
/// # Errors
/// If it stays off, or there is another interface.
pub(super) fn isolate_network() -> io::Result<String> {
    switch_loopback_on()?;
    look_at_network()
}

/// Checks that there is a loopback and nothing else that leads anywhere.
///
/// # Errors
/// If it is off, or there is another interface.
pub(super) fn look_at_network() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    drop(TcpStream::connect(listener.local_addr()?)?);
    let table = fs::read_to_string("/proc/self/net/dev")?;
    // Loaded tunnel modules add templates to new namespaces; they are down and lead nowhere.
    let routes = fs::read_to_string("/proc/self/net/route")?.lines().skip(1).count();
    let interfaces: Vec<&str> =
        table.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    if routes == 0 && interfaces.contains(&"lo") {
        Ok("a loopback of its own and no way out".into())
    } else {
        Err(io::Error::other(format!("{routes} routes over {}", interfaces.join(", "))))
    }
}

/// Sends one rtnetlink(7) message that brings interface 1 up, which is the loopback in any network namespace.
fn switch_loopback_on() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_WITH_ACK: u16 = 1 | 4;
    const UP: u32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(REQUEST_WITH_ACK.to_ne_bytes());
    message.extend([0; 8]); // sequence, port
    message.extend([0; 4]); // family, padding, type
    for field in [1, UP, UP] {
        message.extend(u32::to_ne_bytes(field)); // index, flags, which of the flags to change
    }
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 256];
    let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    // After the 16-byte header follows 0 or a negated error number.
    match answer[..length].get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel's answer was too short")),
    }
}
