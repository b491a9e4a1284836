//! Files of `/proc` that belong to no process and that root may write without privileges.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Folders of settings, and single writable files.
///
/// # Errors
/// If `/proc` can't be listed.
pub(super) fn writable() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let is_process = entry.file_name().to_str().is_none_or(|name| name.parse::<u32>().is_ok());
        // An entry that is gone belonged to a process.
        let Ok(about) = entry.metadata() else { continue };
        let is_open = about.is_dir() || (about.is_file() && about.permissions().mode() & 0o222 != 0);
        if is_open && !is_process {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A value in bytes from `/proc/meminfo` or `/proc/PID/status`.
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
