//! Files that a flag names for what a command makes: looked at before the work, and written as a whole.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::journal::{Outcome, is_disk_failure};

/// Folders of files that the kernel makes up: nothing may take the place of one of them, whoever kcode runs as.
const KERNELS: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Whether a file can be put there, in the place of another file at most; `flag` is what named it.
///
/// # Errors
/// When something else stands there, or there is no folder for it.
pub(crate) fn check(path: &Path, flag: &str) -> Result<(), Failure> {
    let shown = path.display();
    let name_a_file =
        |folder: &Path| format!("name a file in a folder that is there, such as {flag} {}", in_it(folder));
    if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Failure::usage(format!("{flag} {shown} is a folder, and has to be a file"), name_a_file(path)));
    }
    let folder = folder_of(path);
    let Ok(real) = folder.canonicalize().and_then(|real| real.read_dir().map(|_| real)) else {
        let message = format!("{flag} {shown} can't be written: there is no folder {}", folder.display());
        return Err(Failure::usage(message, name_a_file(Path::new("."))));
    };
    let is_odd = path.metadata().is_ok_and(|there| !there.is_file());
    if is_odd || KERNELS.iter().any(|kernels| real.starts_with(kernels)) {
        let message = format!("{flag} {shown} is no regular file, and has to be one");
        return Err(Failure::usage(message, name_a_file(Path::new("."))));
    }
    Ok(())
}

fn in_it(folder: &Path) -> String {
    let folder = if folder.is_dir() { folder } else { Path::new(".") };
    folder.join("FILE").strip_prefix(".").map_or_else(|_| folder.join("FILE"), PathBuf::from).display().to_string()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a whole file or leaves what was there.
///
/// # Errors
/// When it can't be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = tempfile::NamedTempFile::new_in(folder_of(path)).and_then(|mut file| {
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| {
        let outcome = if is_disk_failure(&error) { Outcome::Storage } else { Outcome::Config };
        let message = format!("{} can't be written: {}", path.display(), error.kind());
        Failure::new(outcome, message, "check permissions and space of its folder")
    })
}
