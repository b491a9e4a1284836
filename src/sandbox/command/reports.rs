//! Reports that a test runner writes: a fresh folder for each run, and what of it is kept beside the log.
//!
//! What lies there was written by the repository's code. Only regular files are read, through handles that were opened
//! before the command began; links lead nowhere, and there is a bound on everything.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use cap_std::time::SystemTime;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustix::fs::{Mode, OFlags, openat};

use crate::settings::{Redactor, Reporting};

/// Java's runners write a file a class.
const MAX_FILES: usize = 2_000;
/// A longer file is no report that anybody could use.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Of all files of a run.
const MAX_BYTES: u64 = 48 * 1024 * 1024;
/// How far below the command's folder reports are looked for, and how many entries are looked at.
const MAX_DEPTH: usize = 12;
const MAX_ENTRIES: usize = 200_000;
/// How a folder is entered.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Of a file's own name, so that people recognise it.
const MAX_NAME: usize = 100;

/// Where the reports of one run go.
pub(super) struct Reports {
    folder: Dir,
    /// Its absolute path, for the command.
    pub(super) path: String,
    /// The folder that the command starts in.
    beside: Option<Dir>,
    began: SystemTime,
}

impl Reports {
    /// Makes the folder in `scratch`; its name can't be known beforehand. `beside` is the folder that the command starts in.
    pub(super) fn prepare(scratch: &Path, beside: Option<Dir>) -> io::Result<Self> {
        let name = format!("reports-{:016x}", fastrand::u64(..));
        let parent = Dir::open_ambient_dir(scratch, ambient_authority())?;
        parent.create_dir(&name)?;
        let folder = parent.open_dir(&name)?;
        // The kernel's own clock for files, which is behind the one that programs read.
        let began = folder.dir_metadata()?.modified()?;
        let path = scratch.join(name).to_str().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        Ok(Self { folder, path, beside, began })
    }

    /// Copies what the ended command wrote into `logs`, and says in which folder it is there; `None` when it wrote nothing.
    pub(super) fn keep(self, reporting: &Reporting, logs: &Path, log: &str) -> Option<String> {
        let name = format!("{}.reports", log.strip_suffix(".log").unwrap_or(log));
        let mut kept =
            CopiedReports { logs: Dir::open_ambient_dir(logs, ambient_authority()).ok()?, name, files: 0, bytes: 0 };
        for name in names(&self.folder) {
            kept.take(&self.folder, Path::new(&name));
        }
        let wanted = globs(&reporting.written_anyway);
        if !wanted.is_empty()
            && let Some(beside) = &self.beside
        {
            let mut search = ReportSearch { wanted, began: self.began, entries: 0, found: Vec::new() };
            search.look(beside, Path::new(""), 1);
            for path in search.found {
                kept.take(beside, &path);
            }
        }
        (kept.files > 0).then_some(kept.name)
    }
}

/// For files that match and were written by this run. Each folder is entered by its parent's handle, and no link is.
struct ReportSearch {
    wanted: GlobSet,
    began: SystemTime,
    /// How many have been looked at.
    entries: usize,
    /// As paths from where it began.
    found: Vec<PathBuf>,
}

impl ReportSearch {
    fn look(&mut self, folder: &Dir, at: &Path, depth: usize) {
        let entries = folder.entries().into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.take(MAX_ENTRIES - self.entries).map(|entry| entry.file_name()).collect();
        self.entries += names.len();
        names.sort_unstable();
        for name in names.iter().filter(|name| !is_foreign(name)) {
            let Ok(facts) = folder.symlink_metadata(name) else { continue };
            let path = at.join(name);
            if facts.is_dir() {
                if depth < MAX_DEPTH
                    && let Ok(inner) = openat(folder, name, FOLDER, Mode::empty())
                {
                    self.look(&Dir::from_std_file(inner.into()), &path, depth + 1);
                }
            } else if self.found.len() < MAX_FILES
                && self.wanted.is_match(&path)
                && facts.modified().is_ok_and(|written| written >= self.began)
            {
                self.found.push(path);
            }
        }
    }
}

/// Where no runner writes reports.
fn is_foreign(name: &OsStr) -> bool {
    name.to_str().is_none_or(|name| name == "node_modules" || (name.starts_with('.') && name.len() > 1))
}

/// What has been copied so far.
struct CopiedReports {
    logs: Dir,
    name: String,
    files: usize,
    bytes: u64,
}

impl CopiedReports {
    /// A report that can't be had is one that the runner didn't write.
    fn take(&mut self, from: &Dir, path: &Path) {
        if self.files >= MAX_FILES || self.bytes >= MAX_BYTES {
            return;
        }
        let Ok(bytes) = read(from, path) else { return };
        if self.files == 0 && self.logs.create_dir(&self.name).is_err() {
            return;
        }
        let name = format!("{}/{}-{}", self.name, self.files + 1, plain_name(path));
        if self.logs.write(name, Redactor::shapes().bytes(&bytes)).is_ok() {
            self.files += 1;
            self.bytes += bytes.len() as u64;
        }
    }
}

fn read(from: &Dir, path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed());
    let file = from.open_with(path, &options)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > MAX_FILE {
        return Err(io::Error::other("it is no report"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Sorted, so that reports are read in the same order each time.
fn names(folder: &Dir) -> Vec<std::ffi::OsString> {
    let entries = folder.entries().into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.take(MAX_FILES).map(|entry| entry.file_name()).collect();
    names.sort_unstable();
    names
}

/// The end of a path, in characters that mean nothing anywhere.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain: Vec<char> = name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' })
        .collect();
    plain[plain.len().saturating_sub(MAX_NAME)..].iter().collect()
}

/// A glob that isn't one matches nothing.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}
