//! Namespaces: users, mounts, network, IPC and host name of the worker's own, and processes and IPC of each command's own.
//!
//! They need no privilege where the kernel lets ordinary users have them. Inside, the worker is
//! the same user with nobody else mapped, and its network is a loopback that leads nowhere else.

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

/// How long the kernel may take for a thread that has ended; it takes microseconds.
const PUT_AWAY: Duration = Duration::from_millis(100);

/// Enters those of the worker; the caller has to be the only thread.
///
/// # Errors
/// When the kernel or its policy refuses. The process is then of no further use: it may have lost its own user.
pub(super) fn enter() -> io::Result<()> {
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS)
}

/// Enters one of mounts alone, in which everything is as it was; the caller has to be the only thread.
///
/// # Errors
/// As [`enter`].
pub(super) fn enter_mounts() -> io::Result<()> {
    // Who may mount anyway keeps their rights and everybody else's user.
    unshare_checked(UnshareFlags::NEWNS).or_else(|_| unshare(UnshareFlags::NEWNS))
}

/// Enters those of a command's cell, as the worker's user; the caller's next child is the first process in them.
///
/// # Errors
/// When the kernel or its policy refuses.
pub(in crate::sandbox) fn unshare_cell() -> io::Result<()> {
    // What the worker mounted can't be undone from here: it belongs to the users above.
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC)?;
    limits::keep_capabilities_of_cell()
}

/// What the proof tries: a namespace in which this process would have every capability.
///
/// # Errors
/// When the kernel refuses, which is hoped for.
pub(in crate::sandbox) fn unshare_users() -> io::Result<()> {
    unshare_checked(UnshareFlags::NEWUSER)
}

/// Enters new namespaces and one of users that owns them, in which there is only the same user and group.
fn unshare(spaces: UnshareFlags) -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    alone(spaces | UnshareFlags::NEWUSER).map_err(|error| match Errno::from_io_error(&error) {
        // The system's words for it speak of a full disk (user_namespaces(7)).
        Some(Errno::NOSPC) => io::Error::other("there may be no more of them"),
        _ => error,
    })?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    // Without this an ordinary user may not map a group.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// A thread that has ended and was waited for still counts until the kernel has put it away.
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
    // SAFETY: what may break other threads is `FILES`, which none of the callers asks for.
    Ok(unsafe { unshare_unsafe(flags) }?)
}

/// Switches the loopback on, as tests with local servers need it, and proves that nothing else is there.
///
/// # Errors
/// When it stays off, or there is another interface.
pub(super) fn isolate_network() -> io::Result<String> {
    switch_loopback_on()?;
    look_at_network()
}

/// Proves that there is a loopback, and nothing else that leads anywhere.
///
/// # Errors
/// When it is off, or there is another interface.
pub(super) fn look_at_network() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    drop(TcpStream::connect(listener.local_addr()?)?);
    let table = fs::read_to_string("/proc/self/net/dev")?;
    // Tunnel templates appear in new namespaces when their modules are loaded; they are down and lead nowhere.
    let routes = fs::read_to_string("/proc/self/net/route")?.lines().skip(1).count();
    let interfaces: Vec<&str> =
        table.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    if routes == 0 && interfaces.contains(&"lo") {
        Ok("a loopback of its own and no way out".into())
    } else {
        Err(io::Error::other(format!("{routes} routes over {}", interfaces.join(", "))))
    }
}

/// One message of rtnetlink(7): interface 1, which is the loopback of any network namespace, is to be up.
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
    // Behind the header of 16 bytes stands 0 or a negated error number.
    match answer[..length].get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel's answer was too short")),
    }
}
