//! Reads files in whose place somebody may have put something else: regular files only, without blocking, and only up
//! to a size limit.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Limit for one file of a run, in bytes: far more than any needs, and less than memory holds.
pub const RUN_FILE_LIMIT: u64 = 1 << 30;

/// Opens the regular file that `path` names, following links: for paths that a person typed.
///
/// # Errors
/// When it is a folder, a pipe, a socket or a device, too. Opening never waits for the other end of a pipe.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open(path, OFlags::empty())
}

/// Reads a file opened by [`open_regular`], of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], and when there are more bytes.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    whole(open_regular(path)?, limit)
}

/// Opens a file that kcode wrote, which is never a link.
///
/// # Errors
/// As [`open_regular`], and for a link.
pub fn open_own(path: &Path) -> io::Result<File> {
    open(path, OFlags::NOFOLLOW).map_err(|error| match error.raw_os_error() {
        Some(number) if number == rustix::io::Errno::LOOP.raw_os_error() => io::Error::other("it is a symbolic link"),
        _ => error,
    })
}

/// Reads a file opened by [`open_own`], of at most `limit` bytes.
///
/// # Errors
/// As [`open_own`], and when there are more bytes.
pub fn read_own(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    whole(open_own(path)?, limit)
}

/// Reads the rest of `file`, of at most `limit` bytes.
///
/// # Errors
/// When there are more, or it can't be read.
pub fn whole(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    // A file may grow while it is read, and files of /proc have no size.
    if size > limit {
        return Err(too_long(limit));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_long(limit)) } else { Ok(bytes) }
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    // Opening a device may have side effects; its metadata doesn't.
    let about = if flags.contains(OFlags::NOFOLLOW) { path.symlink_metadata() } else { path.metadata() }?;
    if !about.is_file() && !about.is_symlink() {
        return Err(irregular());
    }
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(irregular()) }
}

fn irregular() -> io::Error {
    io::Error::other("it is not a regular file")
}

fn too_long(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_but_a_regular_file_of_a_bounded_size_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "12345").expect("a file");
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a FIFO");
        for (name, target) in [("link", "file"), ("endless", "/dev/zero"), ("to-pipe", "pipe"), ("loop", "loop")] {
            symlink(target, at(name)).expect("a link");
        }
        assert_eq!(read_own(&at("file"), 5).expect("it fits"), b"12345");
        assert_eq!(read_regular(&at("link"), 5).expect("a person's link is followed"), b"12345");
        for refused in ["pipe", "endless", "to-pipe", "loop", ".", "missing"] {
            assert!(read_regular(&at(refused), 5).is_err() && read_own(&at(refused), 5).is_err(), "{refused}");
        }
        assert!(read_own(&at("link"), 5).is_err() && read_own(&at("file"), 4).is_err());
    }
}
