//! Where tests kill a process that writes to a tree.
//!
//! Only builds with debug assertions have these points, which no release has: unlike a feature of Cargo's, that can't be
//! switched on by whoever packages kcode, and the tests drive the same binary as all others do.

/// The number of the point at which the process is to die.
#[cfg(debug_assertions)]
const VARIABLE: &str = "KCODE_TEST_CRASH_AT";

/// Dies here, as by `kill -9`, when this is the point that was asked for. `name` tells a reader what has just happened.
#[cfg(debug_assertions)]
pub(in crate::workspace) fn point(name: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static REACHED: AtomicU32 = AtomicU32::new(0);
    let wanted = std::env::var(VARIABLE).ok().and_then(|number| number.parse::<u32>().ok());
    if wanted == Some(REACHED.fetch_add(1, Ordering::Relaxed) + 1) {
        debug_assert!(!name.is_empty());
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub(in crate::workspace) const fn point(_name: &str) {}
