//! Opens git's files only when they are ordinary, bounded, and inside git's folders.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Bytes; more than any list of rules or settings has.
pub(super) const TEXT: u64 = 1 << 20;

/// Opens an ordinary file of at most `most` bytes. Follows links; never blocks.
///
/// # Errors
/// When it is anything else, or can't be opened.
pub(in crate::workspace) fn open(path: &Path, most: u64) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    // Checked before as well, because merely opening a device may have effects.
    check(&fs::metadata(path)?, path, most)?;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    check(&file.metadata()?, path, most)?;
    Ok(file)
}

/// Reads such a file; `None` when it doesn't exist.
///
/// # Errors
/// As [`open`].
pub(in crate::workspace) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path, most) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    // The file may grow meanwhile.
    file.take(most).read_to_end(&mut content)?;
    Ok(Some(content))
}

fn check(about: &fs::Metadata, path: &Path, most: u64) -> io::Result<()> {
    let wrong = |what: &str| Err(io::Error::other(format!("{} {what}", path.display())));
    if !about.is_file() {
        return wrong("is no ordinary file");
    }
    if about.len() > most {
        return wrong("is too large");
    }
    Ok(())
}

/// Files of rules that git looks for in every folder of a tree.
const RULES: [&str; 3] = [".gitignore", ".gitattributes", ".gitmodules"];
/// Number of entries of a tree that are searched for them.
const MOST_ENTRIES: usize = 500_000;

/// Searches `tree` for a file of rules, or a file of a repository, that git would block on: a pipe, a socket, a device.
pub(super) fn special_file(tree: &Path) -> Option<PathBuf> {
    let (mut folders, mut room) = (vec![tree.to_owned()], MOST_ENTRIES);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            room = room.checked_sub(1)?;
            let Ok(kind) = entry.file_type() else { continue };
            let is_ordinary = kind.is_file() || kind.is_dir() || kind.is_symlink();
            let is_git_s = || folder.components().any(|part| part.as_os_str() == ".git");
            if !is_ordinary && (RULES.iter().any(|name| entry.file_name() == *name) || is_git_s()) {
                return Some(entry.path());
            }
            if kind.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    None
}

/// Git's folders; whatever leads out of them is refused.
pub(super) struct Within<'a> {
    pub(super) places: [&'a Path; 2],
}

impl Within<'_> {
    /// Refuses `path` when it exists and isn't an ordinary file in git's folders of at most `most` bytes.
    pub(super) fn file(&self, path: &Path, most: u64) -> io::Result<()> {
        self.real(path)?.map_or(Ok(()), |real| open(&real, most).map(drop))
    }

    /// Refuses `path` when it exists and isn't a folder in git's folders.
    pub(super) fn folder(&self, path: &Path) -> io::Result<()> {
        let is_folder = self.real(path)?.is_none_or(|real| real.is_dir());
        if is_folder { Ok(()) } else { Err(io::Error::other(format!("{} is no folder", path.display()))) }
    }

    /// Refuses a folder with an entry for which `is_wrong` returns true.
    pub(super) fn entries(&self, folder: &Path, is_wrong: impl Fn(fs::FileType) -> bool) -> io::Result<()> {
        self.folder(folder)?;
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if is_wrong(entry.file_type()?) {
                return Err(io::Error::other(format!("{} is nothing that git makes", entry.path().display())));
            }
        }
        Ok(())
    }

    /// The canonical path; `None` when nothing exists. A dangling link is refused, because git would create its target.
    fn real(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.symlink_metadata().is_ok() {
                    return Err(io::Error::other(format!("{} leads nowhere", path.display())));
                }
                // What git creates there is created in the parent folder.
                path.parent().map_or(Ok(None), |above| self.real(above)).map(|_| None)
            }
            Err(error) => Err(error),
            Ok(real) if self.places.iter().any(|place| real.starts_with(place)) => Ok(Some(real)),
            Ok(_) => Err(io::Error::other(format!("{} leads out of the repository", path.display()))),
        }
    }
}
