//! Finds the process that has a run's journal locked, in the kernel's list of locks.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{major, minor};

/// Most bytes read of `/proc/locks`.
const MOST: u64 = 4 << 20;

/// Pid of the process that holds the lock of the journal at `path`; `None` if the kernel doesn't tell.
pub(super) fn holder(path: &Path) -> Option<u32> {
    let about = fs::metadata(path).ok()?;
    let mut locks = String::new();
    File::open("/proc/locks").ok()?.take(MOST).read_to_string(&mut locks).ok()?;
    of(&locks, &format!("{:02x}:{:02x}", major(about.dev()), minor(about.dev())), about.ino())
}

/// Finds the lock by device and inode. Some file systems show another device number in `stat` than in the list of
/// locks; there, the inode must be unique.
fn of(locks: &str, device: &str, inode: u64) -> Option<u32> {
    let held: Vec<(&str, u32)> = locks.lines().filter_map(|line| lock(line, inode)).collect();
    let same = held.iter().find(|(on, _)| *on == device);
    let only = || held.first().filter(|_| held.len() == 1);
    same.or_else(only).map(|(_, pid)| *pid).filter(|pid| *pid > 0)
}

/// Parses a line such as `3: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF` about `inode` into device and pid. Lines of
/// waiting processes have an arrow before `FLOCK`, and are skipped.
fn lock(line: &str, inode: u64) -> Option<(&str, u32)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    words.next().filter(|kind| *kind == "FLOCK")?;
    let mut words = words.skip(2);
    // A process of another PID namespace has no number here.
    let pid = words.next()?.parse().unwrap_or(0);
    let (device, number) = words.next()?.rsplit_once(':')?;
    (number.parse() == Ok(inode)).then_some((device, pid))
}

#[cfg(test)]
mod tests {
    use super::of;

    const LOCKS: &str = "1: POSIX  ADVISORY  WRITE 10 08:01:77 0 EOF\n\
         2: FLOCK  ADVISORY  WRITE 20 08:02:77 0 EOF\n\
         2: -> FLOCK  ADVISORY  WRITE 30 08:02:77 0 EOF\n\
         3: FLOCK  ADVISORY  WRITE 40 00:2a:77 0 EOF\n\
         4: FLOCK  ADVISORY  WRITE 50 00:2b:88 0 EOF\n\
         5: FLOCK  ADVISORY  WRITE -1 00:2b:99 0 EOF\n";

    #[test]
    fn the_one_that_holds_it_is_told_and_nobody_is_guessed() {
        assert_eq!(of(LOCKS, "08:02", 77), Some(20));
        assert_eq!(of(LOCKS, "00:2a", 77), Some(40));
        assert_eq!(of(LOCKS, "00:99", 77), None, "two have that number");
        assert_eq!(of(LOCKS, "00:99", 88), Some(50), "only one has it");
        assert_eq!((of(LOCKS, "00:2b", 99), of("damaged", "00:2b", 99)), (None, None));
    }
}
