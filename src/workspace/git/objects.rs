//! Objects, looked at before they are opened in kcode itself, where no deadline ends what waits for a pipe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plain::{self, TEXT};

/// Folders that borrow from each other: git follows no more.
const MOST_BORROWED: usize = 5;

/// Refuses objects, in `folder` or borrowed from elsewhere, that aren't ordinary files.
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
        // Of other names git knows nothing.
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

/// The folders that `folder` names as holding more objects.
fn borrowed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let text = plain::read(&folder.join("info/alternates"), TEXT)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let named = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    // What isn't there lends nothing.
    Ok(named.filter_map(|line| fs::canonicalize(folder.join(line)).ok()).collect())
}
