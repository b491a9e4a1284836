//! Starts processes as forked copies of this one instead of executing the binary, which would take a millisecond or
//! two.
//!
//! A copy has one thread, so only a single-threaded process may be copied; otherwise threads that don't exist in the
//! copy could hold its locks. It inherits privileges, namespaces and open files.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::SUBCOMMAND;
use super::messages::say;

/// Longest wait for the kernel to remove a thread that has ended; it takes microseconds.
const PUT_AWAY: Duration = Duration::from_millis(100);
/// Fields of `/proc/self/stat`, counted after the name: start and end of the arguments in memory (proc_pid_stat(5)).
const ARGUMENTS: [usize; 2] = [45, 46];
/// Bytes of them that are read: the name of the binary and two words are enough.
const MOST_ARGUMENTS: u64 = 8 << 10;

/// Starts a copy that runs `run` and ends. It is renamed as if the binary had been started with the argument `part`.
///
/// # Errors
/// If this process has more than one thread, or the kernel refuses the fork.
pub(super) fn start(part: &str, run: impl FnOnce() -> io::Result<u8>) -> io::Result<Pid> {
    match fork()? {
        Some(copy) => Ok(copy),
        None => end(|| {
            // Without the new name it works as well.
            let _ = rename(part);
            run().unwrap_or_else(|error| {
                say(&format!("kcode {SUBCOMMAND}: {error}"));
                1
            })
        }),
    }
}

/// Forks this process; returns `None` in the copy.
///
/// # Errors
/// If this process has more than one thread, or the kernel refuses the fork.
#[expect(unsafe_code, reason = "no crate in use wraps it")]
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    if !has_one_thread()? {
        return Err(io::Error::other("a process with threads can't be copied"));
    }
    // SAFETY: this process has one thread, so all of its memory is copied consistently and no lock is held by another
    // thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        copy => Ok(Pid::from_raw(copy)),
    }
}

/// Ends a copy with `run`'s code without unwinding, so that nothing is dropped that the original owns as well.
#[expect(clippy::exit, reason = "whoever called this goes on in another process")]
pub(super) fn end(run: impl FnOnce() -> u8) -> ! {
    let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(1);
    std::process::exit(code.into())
}

/// A thread that has ended and was joined still counts until the kernel has removed it.
fn has_one_thread() -> io::Result<bool> {
    let limit = Instant::now() + PUT_AWAY;
    // The folder's link count is two plus its subfolders, one per thread (proc_pid_task(5)).
    while fs::metadata("/proc/self/task")?.nlink() != 3 {
        if Instant::now() > limit {
            return Ok(false);
        }
        thread::sleep(Duration::from_micros(20));
    }
    Ok(true)
}

/// Changes this process's command line to `__worker part`.
fn rename(part: &str) -> io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let unknown = || io::Error::from(io::ErrorKind::InvalidData);
    let (_, behind) = stat.rsplit_once(')').ok_or_else(unknown)?;
    let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
    let [begin, end] = ARGUMENTS.map(|at| fields.get(at).and_then(|field| field.parse::<u64>().ok()));
    let (begin, end) = begin.zip(end).ok_or_else(unknown)?;
    let memory = File::options().read(true).write(true).open("/proc/self/mem")?;
    let mut arguments = vec![0; end.saturating_sub(begin).min(MOST_ARGUMENTS) as usize];
    memory.read_exact_at(&mut arguments, begin)?;
    let (at, word) = renamed(&arguments, part).ok_or_else(unknown)?;
    memory.write_all_at(&word, begin + at as u64)
}

/// The bytes to write and their offset in `arguments`, so that `part` follows the subcommand; `None` if it doesn't fit.
fn renamed(arguments: &[u8], part: &str) -> Option<(usize, Vec<u8>)> {
    let before = format!("\0{SUBCOMMAND}\0");
    let at = memchr::memmem::find(arguments, before.as_bytes())? + before.len();
    let room = memchr::memchr(0, arguments.get(at..)?)?;
    let mut word = part.as_bytes().to_vec();
    // Clears the rest of a longer word.
    word.resize(room.max(word.len()), 0);
    (word.len() == room).then_some((at, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_not_copied() {
        let (begun, wait) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || wait.recv());
        assert!(fork().is_err());
        drop(begun);
        assert!(thread.join().unwrap().is_err());
    }

    #[test]
    fn a_copy_is_called_by_its_part_where_there_is_room() {
        let of = |arguments: &str, part: &str| {
            let mut arguments = arguments.as_bytes().to_vec();
            let (at, word) = renamed(&arguments, part)?;
            arguments[at..at + word.len()].copy_from_slice(&word);
            Some(String::from_utf8(arguments).unwrap())
        };
        assert_eq!(of("exe\0__worker\0supervisor\0", "host").unwrap(), "exe\0__worker\0host\0\0\0\0\0\0\0");
        assert_eq!(of("exe\0__worker\0door\0", "init").unwrap(), "exe\0__worker\0init\0");
        for other in ["exe\0__worker\0x\0", "exe\0__worker\0", "exe\0fix\0", ""] {
            assert_eq!(of(other, "init"), None, "{other:?}");
        }
    }
}
