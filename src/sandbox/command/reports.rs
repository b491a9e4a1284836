//! Report files of a test runner: a new folder for each run, and copies of the reports next to the log.
//!
//! They are written by the repository's code, so only regular files are read, through handles opened before the command
//! started, links are never followed, and everything is bounded.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use cap_std::time::SystemTime;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustix::fs::{Mode, OFlags, openat};

use crate::settings::{Redactor, Reporting};

/// Most files copied; Java's runners write one per class.
const MAX_FILES: usize = 2_000;
/// Most bytes of a file that is copied.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Most bytes of all files of a run.
const MAX_BYTES: u64 = 48 * 1024 * 1024;
/// Deepest level below the command's folder, and most entries, that are searched.
const MAX_DEPTH: usize = 12;
const MAX_ENTRIES: usize = 200_000;
/// Flags to open a folder without following links.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Bytes of a file's own name in the copy's, so that people recognise it.
const MAX_NAME: usize = 100;

/// Report locations of one run.
pub(super) struct Reports {
    folder: Dir,
    /// Absolute path of the report folder, for the command.
    pub(super) path: String,
    /// The folder that the command starts in.
    beside: Option<Dir>,
    began: SystemTime,
}

impl Reports {
    /// Creates the folder in `scratch` under a random name. `beside` is the folder that the command starts in.
    pub(super) fn prepare(scratch: &Path, beside: Option<Dir>) -> io::Result<Self> {
        let name = format!("reports-{:016x}", fastrand::u64(..));
        let parent = Dir::open_ambient_dir(scratch, ambient_authority())?;
        parent.create_dir(&name)?;
        let folder = parent.open_dir(&name)?;
        // The kernel's clock for files, which lags behind the one that programs read.
        let began = folder.dir_metadata()?.modified()?;
        let path = scratch.join(name).to_str().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        Ok(Self { folder, path, beside, began })
    }

    /// Copies the reports into `logs` after the command has ended; returns the folder's name, or `None` if there are
    /// none.
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

/// Searches for matching files that this run wrote. Each folder is opened through its parent's handle, and links aren't
/// followed.
struct ReportSearch {
    wanted: GlobSet,
    began: SystemTime,
    /// Entries looked at so far.
    entries: usize,
    /// Paths relative to the start.
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

/// Whether a folder never holds reports.
fn is_foreign(name: &OsStr) -> bool {
    name.to_str().is_none_or(|name| name == "node_modules" || (name.starts_with('.') && name.len() > 1))
}

struct CopiedReports {
    logs: Dir,
    name: String,
    files: usize,
    bytes: u64,
}

impl CopiedReports {
    /// A report that can't be read is treated as missing.
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

/// Sorted, so that reports are always read in the same order.
fn names(folder: &Dir) -> Vec<std::ffi::OsString> {
    let entries = folder.entries().into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.take(MAX_FILES).map(|entry| entry.file_name()).collect();
    names.sort_unstable();
    names
}

/// The end of a path, reduced to harmless characters.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain: Vec<char> = name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' })
        .collect();
    plain[plain.len().saturating_sub(MAX_NAME)..].iter().collect()
}

/// Invalid globs match nothing.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}
