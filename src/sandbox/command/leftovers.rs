//! Removes IPC objects that commands without a PID namespace leave behind.
//!
//! Only for a worker whose IPC namespace and shared folders are its own: otherwise they belong to the machine.

use std::fs;
use std::io;
use std::path::Path;

/// Removes the object with that number; returns -1 on failure.
type Remove = fn(libc::c_int) -> libc::c_int;

/// The kernel's lists of System V objects: one per line, the number in the second column (proc(5)).
const LISTS: [(&str, Remove); 3] =
    [("/proc/sysvipc/shm", remove_memory), ("/proc/sysvipc/sem", remove_counters), ("/proc/sysvipc/msg", remove_queue)];
/// Folders of POSIX objects, which are files.
const FOLDERS: [&str; 2] = ["/dev/mqueue", "/dev/shm"];

/// Removes all of them; no process that uses them is alive.
///
/// # Errors
/// If something can't be removed.
pub(super) fn remove() -> io::Result<()> {
    for (list, remove) in LISTS {
        let table = fs::read_to_string(list).unwrap_or_default();
        for number in numbers(&table) {
            if remove(number) == -1 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    FOLDERS.iter().try_for_each(|folder| empty(Path::new(folder)))
}

fn numbers(table: &str) -> impl Iterator<Item = libc::c_int> {
    table.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
}

fn empty(folder: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn remove_memory(number: libc::c_int) -> libc::c_int {
    // SAFETY: the request accesses no memory.
    unsafe { libc::shmctl(number, libc::IPC_RMID, std::ptr::null_mut()) }
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn remove_counters(number: libc::c_int) -> libc::c_int {
    // SAFETY: the request takes only numbers.
    unsafe { libc::semctl(number, 0, libc::IPC_RMID) }
}

#[expect(unsafe_code, reason = "no crate in use wraps it")]
fn remove_queue(number: libc::c_int) -> libc::c_int {
    // SAFETY: the request accesses no memory.
    unsafe { libc::msgctl(number, libc::IPC_RMID, std::ptr::null_mut()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_listed_by_number() {
        let table =
            "       key      shmid perms                  size\n 1664     32768  1600    4096\n    0  3  600 1\n";
        assert_eq!(numbers(table).collect::<Vec<_>>(), [32768, 3]);
        assert_eq!(numbers("").count(), 0);
    }
}
