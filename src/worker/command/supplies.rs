//! What a command may use up of the machine as a whole: not the last of its disk, and not the last of its memory.
//!
//! Limits of a process bound neither a tree of them nor a folder. So the watch looks at both now and then, and
//! ends a command before the user's own programs run out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::statvfs;

use super::watch::Stop;
use crate::worker::confine::memory_limit;
use crate::worker::descendants;

/// Free disk that is left to everybody else, unless there was less to begin with.
const DISK: u64 = 2 << 30;
/// The same of a small disk: one part in so many.
const PART: u64 = 20;

/// What there was when the command began.
#[derive(Debug)]
pub(super) struct Supplies {
    /// The least that was [`held`] since the command began: what others give back meanwhile hides nothing of the command's.
    least_held: AtomicU64,
    /// Bytes that commands may take together, whatever is left; `None`: what the machine can spare.
    memory: Option<u64>,
    /// A folder of the disk that commands write to.
    folder: PathBuf,
    /// Free bytes of it below which a command is ended.
    least: u64,
}

impl Supplies {
    pub(super) fn of(folder: &Path, memory: Option<u64>) -> Self {
        let least = disk(folder).map_or(0, |(free, total)| least(free, total));
        let least_held = AtomicU64::new(meminfo().map_or(0, |table| held(&table)));
        Self { least_held, memory, folder: folder.to_owned(), least }
    }

    /// Which of them is nearly used up by the command. What can't be measured isn't.
    pub(super) fn exceeded(&self) -> Option<Stop> {
        if disk(&self.folder).is_some_and(|(free, _)| free < self.least) {
            return Some(Stop::Disk);
        }
        let table = meminfo()?;
        let held = held(&table);
        let shared = held - self.least_held.fetch_min(held, Ordering::Relaxed).min(held);
        // Adding up takes a look at every process, so it is done only when there is need.
        let all = || {
            let memory = descendants::memory();
            memory.private + memory.shared.max(shared)
        };
        let is_too_much = if let Some(limit) = self.memory {
            all() > limit
        } else {
            let (available, total) = (entry(&table, "MemAvailable:")?, entry(&table, "MemTotal:")?);
            shared > memory_limit() || (available < total / PART && all() > total / 4)
        };
        is_too_much.then_some(Stop::Memory)
    }
}

fn meminfo() -> Option<String> {
    fs::read_to_string("/proc/meminfo").ok()
}

/// Memory of the machine that is no process's own: shared (memfd, System V, file systems in memory, mappings), and the
/// kernel's for what processes do. A segment may be mapped by nobody, and its descriptor be on its way through a socket,
/// so that nothing but the machine's own table has it all.
fn held(table: &str) -> u64 {
    ["Shmem:", "SUnreclaim:", "PageTables:", "KernelStack:"].iter().filter_map(|name| entry(table, name)).sum()
}

/// Free and all bytes of the disk that `folder` is on.
fn disk(folder: &Path) -> Option<(u64, u64)> {
    let about = statvfs(folder).ok()?;
    Some((about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize))
}

fn least(free: u64, total: u64) -> u64 {
    // Where it was nearly full before, a command gets half of what there is.
    DISK.min(total / PART).min(free / 2)
}

/// In bytes, from a line of `/proc/meminfo` or `/proc/PID/status`.
pub(in crate::worker) fn entry(table: &str, name: &str) -> Option<u64> {
    let kilobytes: u64 =
        table.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn something_of_the_disk_is_left_to_others() {
        assert_eq!(least(500 * GIB, 1000 * GIB), 2 * GIB);
        assert_eq!(least(8 * GIB, 10 * GIB), GIB / 2);
        assert_eq!(least(GIB, 1000 * GIB), GIB / 2);
        assert_eq!(least(0, 1000 * GIB), 0);
    }

    #[test]
    fn a_quiet_machine_has_supplies() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Supplies::of(folder.path(), None).exceeded(), None);
        let all = Supplies { least: u64::MAX, ..Supplies::of(folder.path(), None) };
        assert_eq!(all.exceeded(), Some(Stop::Disk));
        assert_eq!(Supplies::of(Path::new("/nowhere/at/all"), None).exceeded(), None);
    }

    #[test]
    fn shared_memory_counts_although_no_process_has_it() {
        let table = "Shmem: 2 kB\nSUnreclaim: 3 kB\nPageTables: 5 kB\nAnonPages: 100 kB\n";
        assert_eq!(held(table), 10 * 1024);
        let folder = tempfile::tempdir().unwrap();
        let lowered = Supplies { least_held: AtomicU64::new(0), ..Supplies::of(folder.path(), Some(1)) };
        assert_eq!(lowered.exceeded(), Some(Stop::Memory), "the machine itself has more than a byte of it");
    }

    #[test]
    fn entries_are_in_bytes() {
        assert_eq!(entry("MemTotal:       24 kB\nMemFree: 3 kB\n", "MemFree:"), Some(3072));
        assert_eq!(entry("MemTotal: many\n", "MemTotal:"), None);
    }
}
