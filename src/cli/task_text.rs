//! Reads the text of a task from standard input or from a file, bounded.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::arguments::Global;
use crate::journal::{Outcome, open_regular};
use crate::run::Failure;
use crate::settings::{Refused, RepositoryFiles};

/// Hint for an unreadable task file.
const PATH: &str = "check the path given to --task-file; a pipe is read from standard input";
/// Bytes; a longer text isn't a task.
const MAX_BYTES: u64 = 256 * 1024;

/// Reads the task from standard input.
///
/// # Errors
/// When it isn't UTF-8, or far too long.
pub(super) fn from_stdin() -> Result<String, Failure> {
    capped(io::stdin().lock(), "standard input")
}

/// Reads a file that the user chose. Others wrote files of the repository: there no link may lead out of it or to
/// secrets.
///
/// # Errors
/// When it can't be read, isn't UTF-8, or far too long.
pub(super) fn from_file(global: &Global, path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let unreadable =
        |why: String, hint: &str| Failure::usage(format!("the task file {name} can't be read: {why}"), hint);
    if let Some((root, inside)) = in_repository(global, path) {
        let files = RepositoryFiles::open(&root).map_err(|error| unreadable(error.to_string(), PATH))?;
        let read = files.try_read(&inside, MAX_BYTES + 1).map_err(|refused| match &refused {
            Refused::Io(_) | Refused::Kind(_) => unreadable(refused.to_string(), PATH),
            _ => unreadable(refused.to_string(), "put the task into a file of its own, or give it as an argument"),
        })?;
        return capped(&*read.bytes, &name);
    }
    capped(open_regular(path).map_err(|error| unreadable(error.to_string(), PATH))?, &name)
}

/// The root of the repository that contains `path` itself, and the path in it; links in the last component don't
/// matter.
fn in_repository(global: &Global, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let root = global.repository_if_any().ok()??.root().to_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let full = fs::canonicalize(folder).ok()?.join(path.file_name()?);
    let inside = full.strip_prefix(&root).ok()?.to_owned();
    Some((root, inside))
}

fn capped(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::new(Outcome::Usage, format!("the task can't be read from {name}: {error}"), "give it as an argument")
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        let hint = "put long material into a file of the repository and name it in the task";
        return Err(Failure::usage(format!("the task in {name} is longer than {} KiB", MAX_BYTES / 1024), hint));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("the task in {name} is not UTF-8"), "save it as UTF-8"))
}
