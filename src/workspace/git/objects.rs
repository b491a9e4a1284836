//! Checks objects before libgit2 opens them in this process, where no deadline ends a read from a pipe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plain::{self, TEXT};

/// Length of a chain of alternates that git follows.
const MOST_BORROWED: usize = 5;

/// Refuses objects, in `folder` or in its alternates, that aren't ordinary files.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    for _ in 0..=MOST_BORROWED {
        let Some(folder) = folders.pop() else { return Ok(()) };
        check_one(&folder)?;
        folders.extend(borrowed(&folder)?);
    }
    Err(io::Error::other("objects are borrowed from too many places"))
}

fn check_one(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Git ignores other names.
        if entry.file_name().len() != 2 && entry.file_name() != "pack" && entry.file_name() != "info" {
            continue;
        }
        for object in fs::read_dir(entry.path())? {
            let object = object?;
            let kind = object.file_type()?;
            if !kind.is_file() && !kind.is_dir() {
                return Err(io::Error::other(format!("{} is no ordinary file", object.path().display())));
            }
        }
    }
    Ok(())
}

/// The existing object folders that the alternates of `folder` name.
fn borrowed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let text = plain::read(&folder.join("info/alternates"), TEXT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let named = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A missing folder has no objects.
    Ok(named.filter_map(|line| fs::canonicalize(folder.join(line)).ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn objects(at: &Path) -> PathBuf {
        fs::create_dir_all(at.join("ab")).unwrap();
        fs::create_dir_all(at.join("info")).unwrap();
        fs::write(at.join("ab/cdef"), "").unwrap();
        at.to_owned()
    }

    #[test]
    fn what_is_no_file_is_found_wherever_it_is_borrowed_from() {
        let world = tempfile::tempdir().unwrap();
        let (own, other) = (objects(&world.path().join("own")), objects(&world.path().join("other")));
        assert!(check(&own).is_ok());
        fs::write(own.join("info/alternates"), "# comment\n../other\n/nowhere\n").unwrap();
        assert!(check(&own).is_ok());
        symlink("/dev/zero", other.join("ab/0123")).unwrap();
        assert!(check(&own).is_err() && check(&other).is_err());
        fs::remove_file(other.join("ab/0123")).unwrap();
        fs::write(other.join("info/alternates"), "../own\n").unwrap();
        assert!(check(&own).is_err(), "they borrow from each other without end");
    }
}
