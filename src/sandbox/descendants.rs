//! Finds and kills everything that a process started, daemons included.
//!
//! A subreaper inherits orphans below it, so whatever its children did to get away (`setsid`, double fork), they stay
//! its descendants in `/proc`. They are stopped first, so that none can fork while others are killed. Processes are
//! signalled only through a pidfd, so a reused PID is never hit.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal, waitid};

use super::kernel_files::entry;
use crate::journal::Residue;

/// Longest wait for the kernel to end killed processes.
const KILL_LIMIT: Duration = Duration::from_secs(3);
/// Interval at which `/proc` is read during that wait.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Bytes read of a process's command line.
const WORDS: u64 = 8 * 1024;

/// Identifies a process: a PID and start time are never reused together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Process {
    pid: Pid,
    /// In clock ticks since boot.
    started: u64,
}

/// Kills every descendant of this process, and waits until they are dead.
///
/// Dead children are left to whoever waits for them; see [`reap`].
pub(super) fn kill_all() -> Residue {
    let limit = Instant::now() + KILL_LIMIT;
    let mut killed = HashSet::new();
    loop {
        stop_all(limit);
        let left = descendants();
        if left.is_empty() || Instant::now() > limit {
            return Residue { killed: killed.len() as u64, survivors: left.len() as u64 };
        }
        for process in left {
            // A process that is gone ended with the first process of its PID namespace.
            signal(process, Signal::KILL);
            killed.insert(process);
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Descendants that are still alive after all were killed.
pub(super) fn alive() -> Residue {
    Residue { killed: 0, survivors: descendants().len() as u64 }
}

/// Collects the exit statuses of all dead children. Call it only if nothing else waits for a child.
pub(super) fn reap() {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    while let Ok(Some(_)) | Err(Errno::INTR) = waitid(WaitId::All, options) {}
}

/// Start time in clock ticks since boot; `None` if the process isn't visible.
pub(super) fn started(pid: Pid) -> Option<u64> {
    stat(pid).map(|stat| stat.started)
}

/// The current parent, which may have adopted it.
pub(super) fn parent(pid: Pid) -> Option<Pid> {
    stat(pid)?.parent
}

/// Memory of the descendants, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Sum of their private memory, swap included.
    pub(super) private: u64,
    /// Private memory of the largest one.
    pub(super) largest: u64,
    /// The most shared memory that one of them maps, a lower bound of what they share.
    pub(super) shared: u64,
}

/// Measures it; called often while a command runs.
pub(super) fn memory() -> Memory {
    let status = |process: Process| fs::read_to_string(format!("/proc/{}/status", process.pid)).ok();
    let all = by_children().unwrap_or_else(by_parents).into_iter().filter_map(status);
    all.fold(Memory::default(), |memory, status| {
        let of = |name| entry(&status, name).unwrap_or_default();
        let private = of("RssAnon:") + of("VmSwap:");
        Memory {
            private: memory.private + private,
            largest: memory.largest.max(private),
            shared: memory.shared.max(of("RssShmem:")),
        }
    })
}

/// Whether some descendant's command line satisfies `are_such`. A process may have overwritten its own.
pub(super) fn any_started_with(are_such: impl Fn(&[&str]) -> bool) -> bool {
    let words = |process: Process| {
        let mut line = Vec::new();
        File::open(format!("/proc/{}/cmdline", process.pid)).ok()?.take(WORDS).read_to_end(&mut line).ok()?;
        Some(String::from_utf8_lossy(&line).into_owned())
    };
    let are_such = |line: String| are_such(&line.trim_end_matches('\0').split('\0').collect::<Vec<_>>());
    descendants().into_iter().filter_map(words).any(are_such)
}

/// Stops descendants until no new one appears.
fn stop_all(limit: Instant) {
    let mut stopped = HashSet::new();
    while Instant::now() < limit {
        let fresh: Vec<Process> = descendants().into_iter().filter(|process| !stopped.contains(process)).collect();
        if fresh.is_empty() {
            return;
        }
        for process in fresh {
            signal(process, Signal::STOP);
            stopped.insert(process);
        }
    }
}

/// Signals exactly this process; false if it is gone.
fn signal(process: Process, signal: Signal) -> bool {
    let Ok(handle) = pidfd_open(process.pid, PidfdFlags::empty()) else { return false };
    let is_same = stat(process.pid).is_some_and(|now| now.started == process.started);
    is_same && pidfd_send_signal(handle, signal).is_ok()
}

/// Every living descendant. If the fast way finds none, all processes are searched.
fn descendants() -> Vec<Process> {
    match by_children() {
        Some(found) if !found.is_empty() => found,
        _ => by_parents(),
    }
}

/// Descendants by the kernel's lists of children (proc_tid_children(5)), so that other processes cost nothing; `None`
/// if there are no such lists. A process that is created or ends meanwhile may hide another.
fn by_children() -> Option<Vec<Process>> {
    let (mut found, mut parents) = (Vec::new(), vec![getpid()]);
    let mut lists = false;
    while let Some(parent) = parents.pop() {
        for task in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let Ok(children) = fs::read_to_string(task.path().join("children")) else { continue };
            lists = true;
            for pid in children.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
                let Some(stat) = stat(pid) else { continue };
                parents.push(pid);
                if stat.alive {
                    found.push(Process { pid, started: stat.started });
                }
            }
        }
    }
    lists.then_some(found)
}

/// Descendants by the parents of all processes.
fn by_parents() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let mut children: HashMap<Pid, Vec<(Pid, Stat)>> = HashMap::new();
    for pid in pids {
        if let Some(stat) = stat(pid)
            && let Some(parent) = stat.parent
        {
            children.entry(parent).or_default().push((pid, stat));
        }
    }
    let (mut found, mut parents) = (Vec::new(), vec![getpid()]);
    while let Some(parent) = parents.pop() {
        for (pid, stat) in children.remove(&parent).unwrap_or_default() {
            parents.push(pid);
            if stat.alive {
                found.push(Process { pid, started: stat.started });
            }
        }
    }
    found
}

/// Fields of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: Option<Pid>,
    alive: bool,
    started: u64,
}

fn stat(pid: Pid) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(line: &[u8]) -> Option<Stat> {
    // The name is in parentheses and may contain spaces and parentheses.
    let name_end = line.iter().rposition(|byte| *byte == b')')?;
    let fields: Vec<&str> = std::str::from_utf8(&line[name_end + 1..]).ok()?.split_ascii_whitespace().collect();
    Some(Stat {
        parent: Pid::from_raw(fields.get(1)?.parse().ok()?),
        alive: !matches!(*fields.first()?, "Z" | "X"),
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_hides_nothing() {
        let line = b"42 (a) Z 1 (b) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9001 3000000 400";
        assert_eq!(parse_stat(line), Some(Stat { parent: Pid::from_raw(7), alive: true, started: 9001 }));
        assert_eq!(parse_stat(b"42 (a"), None);
    }

    #[test]
    fn both_ways_find_children_of_children_and_not_the_machines_other_processes() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sh -c 'echo up; sleep 300; :' & wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.stdout.take().unwrap()), &mut line).unwrap();
        // Other tests start processes too.
        let of_shell = |found: &[Process]| {
            let is_below = |pid: Pid| {
                std::iter::successors(Some(pid), |pid| parent(*pid)).any(|pid| pid == Pid::from_child(&shell))
            };
            found.iter().filter(|process| is_below(process.pid)).count()
        };
        let (children, parents) = (by_children().unwrap(), by_parents());
        assert!(of_shell(&children) >= 2, "{children:?}");
        assert!(of_shell(&parents) >= 2, "{parents:?}");
        assert!(children.iter().all(|process| process.pid != getpid()));
        for process in by_parents().into_iter().filter(|process| of_shell(&[*process]) == 1) {
            signal(process, Signal::KILL);
        }
        shell.wait().unwrap();
    }

    #[test]
    fn this_process_is_found_in_proc() {
        assert!(stat(getpid()).is_some_and(|own| own.alive && own.started > 0));
    }
}
