//! Gives the worker a session without a terminal, so that Ctrl-C doesn't reach it and tests have no `/dev/tty`.
//!
//! `setsid` fails for the leader of a process group, and the broker starts the worker as one, so that Ctrl-C doesn't
//! reach it during startup either. So the worker first rejoins the broker's group for a moment. If that group began
//! outside the broker's PID namespace, it can't be rejoined, and the broker doesn't make the worker a leader.

use std::fs;
use std::io;

use rustix::process::{Pid, getpid, getppid, setpgid, setsid};

use crate::journal::Layer;

const LAYER: &str = "session";

/// Begins a session for this process and its children; returns whether that worked.
pub(super) fn begin() -> Layer {
    match begun().and_then(|()| without_terminal()) {
        Ok(()) => Layer::holding(LAYER, "of its own, without a terminal"),
        Err(error) => Layer::missing(LAYER, format!("the user's terminal stays in reach: {error}")),
    }
}

fn begun() -> io::Result<()> {
    let place = own()?;
    if place.session == Some(getpid()) {
        return Ok(());
    }
    if place.group == Some(getpid()) {
        let group = getppid().and_then(|parent| of(parent).ok()?.group);
        let group = group.ok_or_else(|| io::Error::other("there is no process group to go back to"))?;
        setpgid(None, Some(group))?;
    }
    Ok(setsid().map(drop)?)
}

/// Whether a child of this process may lead a process group and still [`begin`] a session.
pub(super) fn takes_leaders() -> bool {
    own().is_ok_and(|place| place.group.is_some())
}

/// Checks that this process has no controlling terminal.
///
/// # Errors
/// If it has one, or that can't be determined.
pub(super) fn without_terminal() -> io::Result<()> {
    if own()?.terminal == 0 { Ok(()) } else { Err(io::Error::other("the session has a terminal")) }
}

/// Whether this process is in the session of `other`.
pub(super) fn is_shared_with(other: Pid) -> bool {
    let session = |place: io::Result<ProcessPlace>| place.ok()?.session;
    session(own()).is_some_and(|own| session(of(other)) == Some(own))
}

/// Process group, session and terminal of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProcessPlace {
    /// `None` if it began outside this PID namespace.
    group: Option<Pid>,
    /// `None` if it began outside this PID namespace.
    session: Option<Pid>,
    /// Device number of the controlling terminal; 0 for none.
    terminal: i64,
}

fn own() -> io::Result<ProcessPlace> {
    place(&fs::read("/proc/self/stat")?)
}

fn of(process: Pid) -> io::Result<ProcessPlace> {
    place(&fs::read(format!("/proc/{process}/stat"))?)
}

/// Parses a line of `/proc/PID/stat` (proc_pid_stat(5)).
fn place(line: &[u8]) -> io::Result<ProcessPlace> {
    // The name is in parentheses and may contain spaces and parentheses.
    let name_end = line.iter().rposition(|byte| *byte == b')').unwrap_or(line.len());
    let text = String::from_utf8_lossy(line.get(name_end + 1..).unwrap_or_default()).into_owned();
    let numbers: Vec<i32> = text.split_ascii_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    let [_, group, session, terminal, ..] = numbers[..] else { return Err(io::Error::other("/proc doesn't tell")) };
    Ok(ProcessPlace { group: Pid::from_raw(group), session: Pid::from_raw(session), terminal: terminal.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_known_by_its_number() {
        let (group, session) = (Pid::from_raw(42), Pid::from_raw(41));
        let on_terminal = place(b"42 (a) b) S 7 42 41 34816 42 4194560 1").unwrap();
        assert_eq!(on_terminal, ProcessPlace { group, session, terminal: 34816 });
        let from_outside = place(b"42 (sh) S 7 0 0 0 -1 4194560 1").unwrap();
        assert_eq!(from_outside, ProcessPlace { group: None, session: None, terminal: 0 });
        assert!(place(b"42 (sh) S").is_err() && place(b"").is_err());
    }
}
