//! Whether the disk is why something failed.

use std::io;

use rustix::io::Errno;

/// True when the disk is full, over its quota, read-only or broken: then the same fails for whoever tries it, until a
/// person sees to the disk.
#[must_use]
pub fn is_disk_failure(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::ReadOnlyFilesystem];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(Errno::IO.raw_os_error())
}
