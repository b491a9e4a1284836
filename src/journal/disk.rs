//! Tells disk failures from other I/O errors.

use std::io;

use rustix::io::Errno;

/// True if the disk is full, over its quota, read-only or broken: retrying fails until a person intervenes.
#[must_use]
pub fn is_disk_failure(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::ReadOnlyFilesystem];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(Errno::IO.raw_os_error())
}
