//! Points where tests kill the process: at any record of a journal, in the middle of writing one, between steps of
//! apply and undo.
//!
//! `KCODE_TEST_CRASH_AT` selects the point: `event:7` once the seventh record that this process writes is kept,
//! `event:7+1500` that many microseconds later, `torn:7` when half of it is written, `apply:3` at the third step of
//! writing to a tree. Only builds with debug assertions have these points. Unlike a Cargo feature, nobody who packages
//! kcode can switch them on in a release, and these tests drive the same binary as all others.

#[cfg(debug_assertions)]
pub(crate) use armed::{kept, point, writing};
#[cfg(not(debug_assertions))]
pub(crate) use disarmed::{kept, point, writing};

#[cfg(debug_assertions)]
mod armed {
    use std::fs::File;
    use std::io::Write as _;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{LazyLock, Once};
    use std::thread;
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    enum CrashPoint {
        Kept(u32, Duration),
        Torn(u32),
        Step(u32),
    }

    static WANTED: LazyLock<Option<CrashPoint>> = LazyLock::new(|| {
        let wanted = std::env::var("KCODE_TEST_CRASH_AT").ok()?;
        match wanted.split_once(':')? {
            ("event", at) => {
                let (number, later) = at.split_once('+').unwrap_or((at, "0"));
                Some(CrashPoint::Kept(number.parse().ok()?, Duration::from_micros(later.parse().ok()?)))
            }
            ("torn", number) => Some(CrashPoint::Torn(number.parse().ok()?)),
            ("apply", number) => Some(CrashPoint::Step(number.parse().ok()?)),
            _ => None,
        }
    });
    static STEPS: AtomicU32 = AtomicU32::new(0);
    static RECORDS: AtomicU32 = AtomicU32::new(0);
    static DOOM: Once = Once::new();

    fn die() {
        let _ = kill_process(getpid(), Signal::KILL);
    }

    /// Kills the process, as `kill -9` does, if this step was asked for. `name` documents at the call what has just
    /// happened.
    pub(crate) fn point(name: &str) {
        debug_assert!(!name.is_empty());
        let step = STEPS.fetch_add(1, Ordering::Relaxed) + 1;
        if matches!(*WANTED, Some(CrashPoint::Step(wanted)) if wanted == step) {
            die();
        }
    }

    /// Called before `record` is written behind `before`, the earlier records of the same write. A torn write stops in
    /// the middle of the record; after the last kept record nothing more is written, because a crashing machine may
    /// keep any part of a write.
    pub(crate) fn writing(file: &mut File, before: &[u8], record: &[u8]) {
        let number = RECORDS.fetch_add(1, Ordering::Relaxed) + 1;
        let kept = match *WANTED {
            Some(CrashPoint::Kept(wanted, later)) if wanted == number && later.is_zero() => record.len(),
            Some(CrashPoint::Torn(wanted)) if wanted == number => record.len() / 2,
            _ => return,
        };
        let _ = file.write_all(before).and_then(|()| file.write_all(&record[..kept]));
        die();
    }

    /// Called when all records so far are kept and nobody has acted on the last ones yet.
    pub(crate) fn kept() {
        if let Some(CrashPoint::Kept(wanted, later)) = *WANTED
            && RECORDS.load(Ordering::Relaxed) >= wanted
        {
            let doomed = move || {
                thread::sleep(later);
                die();
            };
            DOOM.call_once(|| drop(thread::spawn(doomed)));
        }
    }
}

#[cfg(not(debug_assertions))]
mod disarmed {
    use std::fs::File;

    /// Does nothing in a release.
    pub(crate) const fn point(_name: &str) {}

    /// Does nothing in a release.
    pub(crate) const fn writing(_file: &mut File, _before: &[u8], _record: &[u8]) {}

    /// Does nothing in a release.
    pub(crate) const fn kept() {}
}
