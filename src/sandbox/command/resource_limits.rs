//! Keeps a command from using the machine's last disk space and memory.
//!
//! Process limits bound neither a process tree nor a folder, and the kernel's limit on address space counts reserved
//! memory: sanitizers (ASan, TSan, Go's race detector) reserve terabytes and use megabytes. So this checks actual use,
//! more often the less is left, and ends a command before the user's programs are affected.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::statvfs;

use super::watch::CommandStop;
use crate::sandbox::confine::memory_limit;
use crate::sandbox::descendants::{self, Memory};
use crate::sandbox::kernel_files::entry;

/// Free disk space in bytes that is left to others, unless less was free at the start.
const DISK: u64 = 2 << 30;
/// On a small disk, one part in this many is left instead.
const PART: u64 = 20;

/// Longest interval between checks; even a fast disk fills only a fraction of the reserve meanwhile.
const AT_LEAST_EVERY: Duration = Duration::from_millis(250);
/// Shortest interval; a check takes a fraction of it.
const AT_MOST_EVERY: Duration = Duration::from_millis(5);
/// Bytes of memory that a processor fills per millisecond: the kernel clears huge pages that fast.
const FILLED_PER_MS: u64 = 10 << 20;

/// The state when the command began, and its limits.
#[derive(Debug)]
pub(super) struct ResourceLimits {
    /// The lowest value of [`held`] since the command began, so that memory which others free doesn't hide the
    /// command's use.
    least_held: AtomicU64,
    /// Bytes that commands may use together; `None` for what the machine can spare.
    memory: Option<u64>,
    /// A folder on the disk that commands write to.
    folder: PathBuf,
    /// Free bytes on it below which a command is ended.
    least: u64,
    /// Bytes of memory that all processors together fill per millisecond.
    filled_per_ms: u64,
}

impl ResourceLimits {
    pub(super) fn of(folder: &Path, memory: Option<u64>) -> Self {
        let least = disk(folder).map_or(0, |(free, total)| least(free, total));
        let least_held = AtomicU64::new(meminfo().map_or(0, |table| held(&table)));
        let processors = thread::available_parallelism().map_or(1, |number| number.get() as u64);
        Self { least_held, memory, folder: folder.to_owned(), least, filled_per_ms: processors * FILLED_PER_MS }
    }

    /// Time until the next check: by then a command can have taken at most half of the remaining memory.
    pub(super) fn pause(&self) -> Duration {
        let available = meminfo().and_then(|table| entry(&table, "MemAvailable:"));
        available.map_or(AT_LEAST_EVERY, |bytes| pause(bytes, self.filled_per_ms))
    }

    /// Which resource the command has nearly used up. One that can't be measured isn't limited.
    pub(super) fn exceeded(&self) -> Option<CommandStop> {
        if disk(&self.folder).is_some_and(|(free, _)| free < self.least) {
            return Some(CommandStop::Disk);
        }
        let table = meminfo()?;
        let held = held(&table);
        let shared = held - self.least_held.fetch_min(held, Ordering::Relaxed).min(held);
        let is_too_much = match self.memory {
            Some(limit) => all(descendants::memory(), shared) > limit,
            None => is_too_much(&table, shared, memory_limit(), descendants::memory)?,
        };
        is_too_much.then_some(CommandStop::Memory)
    }
}

/// Total memory of the processes, of which `shared` is known to be shared.
fn all(memory: Memory, shared: u64) -> u64 {
    memory.private + memory.shared.max(shared)
}

/// Whether a command uses more than the machine can spare, or one of its processes more than `limit`. Summing up their
/// memory means reading every process, so it is done only if necessary.
fn is_too_much(table: &str, shared: u64, limit: u64, held: impl FnOnce() -> Memory) -> Option<bool> {
    let (available, total) = (entry(table, "MemAvailable:")?, entry(table, "MemTotal:")?);
    let is_scarce = available < total / PART;
    if shared > limit {
        return Some(true);
    }
    if !is_scarce && private(table) <= limit {
        return Some(false);
    }
    let held = held();
    Some(held.largest > limit || (is_scarce && all(held, shared) > total / 4))
}

fn meminfo() -> Option<String> {
    fs::read_to_string("/proc/meminfo").ok()
}

/// Memory that belongs to no single process: shared (memfd, System V, tmpfs, mappings), and the kernel's. A segment may
/// be mapped nowhere while its descriptor travels through a socket, so only the machine's totals include it all.
fn held(table: &str) -> u64 {
    ["Shmem:", "SUnreclaim:", "PageTables:", "KernelStack:"].iter().filter_map(|name| entry(table, name)).sum()
}

/// Memory that belongs to single processes, swap included; an upper bound for each of them.
fn private(table: &str) -> u64 {
    let swapped =
        entry(table, "SwapTotal:").zip(entry(table, "SwapFree:")).map_or(0, |(all, free)| all - free.min(all));
    entry(table, "AnonPages:").unwrap_or_default() + swapped
}

fn pause(available: u64, filled_per_ms: u64) -> Duration {
    Duration::from_millis(available / 2 / filled_per_ms).clamp(AT_MOST_EVERY, AT_LEAST_EVERY)
}

/// Free and total bytes of the disk that `folder` is on.
fn disk(folder: &Path) -> Option<(u64, u64)> {
    let about = statvfs(folder).ok()?;
    Some((about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize))
}

fn least(free: u64, total: u64) -> u64 {
    // If the disk was nearly full before, a command gets half of what is free.
    DISK.min(total / PART).min(free / 2)
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
        assert_eq!(ResourceLimits::of(folder.path(), None).exceeded(), None);
        let all = ResourceLimits { least: u64::MAX, ..ResourceLimits::of(folder.path(), None) };
        assert_eq!(all.exceeded(), Some(CommandStop::Disk));
        assert_eq!(ResourceLimits::of(Path::new("/nowhere/at/all"), None).exceeded(), None);
    }

    #[test]
    fn shared_memory_counts_although_no_process_has_it() {
        let table = "Shmem: 2 kB\nSUnreclaim: 3 kB\nPageTables: 5 kB\nAnonPages: 100 kB\n";
        assert_eq!(held(table), 10 * 1024);
        let folder = tempfile::tempdir().unwrap();
        let lowered = ResourceLimits { least_held: AtomicU64::new(0), ..ResourceLimits::of(folder.path(), Some(1)) };
        assert_eq!(lowered.exceeded(), Some(CommandStop::Memory), "the machine itself has more than a byte of it");
    }

    #[test]
    fn memory_that_was_swapped_is_still_taken() {
        let table = "AnonPages: 100 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n";
        assert_eq!(private(table), 130 * 1024);
        assert_eq!(private("AnonPages: 100 kB\n"), 100 * 1024);
    }

    #[test]
    fn one_process_gets_so_much_and_all_of_them_what_the_machine_can_spare() {
        let held = |private, largest| move || Memory { private, largest, shared: 0 };
        let table = |available: u64, private: u64| {
            format!("MemTotal: 100 kB\nMemAvailable: {available} kB\nAnonPages: {private} kB\n")
        };
        let judge = |available, private, memory: Memory| {
            is_too_much(&table(available, private), 0, 50 * 1024, || memory).unwrap()
        };
        assert!(!is_too_much(&table(50, 40), 0, 50 * 1024, || unreachable!("nobody can hold so much")).unwrap());
        assert!(!judge(50, 60, held(60 * 1024, 30 * 1024)()), "two processes, and much is left");
        assert!(judge(50, 60, held(60 * 1024, 51 * 1024)()), "one process");
        assert!(judge(4, 60, held(60 * 1024, 30 * 1024)()), "two processes, and nothing is left");
        assert!(!judge(4, 60, held(10 * 1024, 10 * 1024)()), "what is gone others have");
        assert!(is_too_much(&table(50, 0), 51 * 1024, 50 * 1024, Memory::default).unwrap(), "shared");
    }

    #[test]
    fn the_less_is_left_the_sooner_it_is_looked_at() {
        let two_processors = 2 * FILLED_PER_MS;
        assert_eq!(pause(64 * GIB, two_processors), AT_LEAST_EVERY);
        assert_eq!(pause(2 * GIB, two_processors), Duration::from_millis(51));
        assert_eq!(pause(0, two_processors), AT_MOST_EVERY);
    }
}
