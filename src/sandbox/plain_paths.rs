//! Absolute, normalised paths as the kernel and `canonicalize` return them: no `.`, no `..`, no redundant slashes.
//!
//! Hundreds of thousands are compared before the first request. The standard library parses a path to compare it, which
//! takes ten times as long as comparing bytes.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat, readlinkat};

/// Appended by the kernel to the path of a deleted file.
const DELETED: &[u8] = b" (deleted)";

/// Whether `path` is `folder` or lies in it.
pub(super) fn lies_in(path: &Path, folder: &Path) -> bool {
    let folder = folder.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || folder.ends_with(b"/"))
}

/// The canonical path and file type, as by `fs::canonicalize`, which needs a system call per component.
///
/// # Errors
/// If there is nothing, or it can't be reached.
pub(super) fn look_up(path: &Path) -> io::Result<(PathBuf, FileType)> {
    let opened = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let real = readlinkat(CWD, format!("/proc/self/fd/{}", opened.as_raw_fd()), Vec::new());
    let real = real.map(std::ffi::CString::into_bytes).unwrap_or_default();
    if !real.starts_with(b"/") || real.ends_with(DELETED) {
        let real = fs::canonicalize(path)?;
        let about = rustix::fs::lstat(&real)?;
        return Ok((real, FileType::from_raw_mode(about.st_mode)));
    }
    Ok((OsString::from_vec(real).into(), FileType::from_raw_mode(fstat(&opened)?.st_mode)))
}

/// The canonical path, which is the only name of a mount. A path that doesn't exist stays unchanged.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_standard_library_does() {
        let world = tempfile::tempdir().unwrap();
        let at = |name: &str| world.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/file (deleted)"), "").unwrap();
        std::os::unix::fs::symlink("folder", at("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        for name in
            ["", "folder", "link", "link/file (deleted)", "link/../folder/.", "dangling", "loop", "x", "link/x/.."]
        {
            let found = look_up(&at(name)).ok();
            let real = fs::canonicalize(at(name)).ok();
            assert_eq!(found.as_ref().map(|(real, _)| real), real.as_ref(), "{name}");
            let is_folder = found.is_some_and(|(_, kind)| kind.is_dir());
            assert_eq!(is_folder, real.is_some_and(|real| real.is_dir()), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_path_lies_where_the_standard_library_says(path in "(/[ab.]{1,2}[ab]){0,4}", folder in "(/[ab.]{1,2}[ab]){0,3}") {
            let [path, folder] = [path, folder].map(|path| if path.is_empty() { "/".to_owned() } else { path });
            let (path, folder) = (Path::new(&path), Path::new(&folder));
            proptest::prop_assert_eq!(lies_in(path, folder), path.starts_with(folder), "{:?} {:?}", path, folder);
        }
    }
}
