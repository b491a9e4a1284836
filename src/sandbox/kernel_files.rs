//! The kernel's own files: those of `/proc` that are no process's and that root may write without any privilege.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Folders of settings, and single files that have a bit for writing.
///
/// # Errors
/// When `/proc` can't be listed.
pub(super) fn writable() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let is_process = entry.file_name().to_str().is_none_or(|name| name.parse::<u32>().is_ok());
        // One that is gone by now was a process's.
        let Ok(about) = entry.metadata() else { continue };
        let is_open = about.is_dir() || (about.is_file() && about.permissions().mode() & 0o222 != 0);
        if is_open && !is_process {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// In bytes, from a line of `/proc/meminfo` or `/proc/PID/status`.
pub(super) fn entry(table: &str, name: &str) -> Option<u64> {
    let kilobytes: u64 =
        table.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix("kB")?.trim().parse().ok())?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_in_bytes() {
        assert_eq!(entry("MemTotal:       24 kB\nMemFree: 3 kB\n", "MemFree:"), Some(3072));
        assert_eq!(entry("MemTotal: many\n", "MemTotal:"), None);
    }
}
