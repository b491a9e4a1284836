//! Keeps what searches found from one run to the next, in the state folder: searching takes longer than anything else
//! before the first request, and toolchains seldom change.
//!
//! A kept result counts only where a new search would find the same. Names and kinds of entries can't change without the
//! times of their folders (`read_folders.rs`). What else a search looks at is looked at again: content, and modes where they
//! count. Places with a folder that couldn't be read aren't kept. Nothing is believed from before the machine's last start,
//! from another build of kcode (whose rules may be others), with other settings, or from a file that somebody else may
//! write: then everything is searched.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::masks::{self, Examined, Folder, FolderSearch, SearchDepth};
use super::walk::{all_processors, beside_each_other};
use crate::journal::{open_own, whole};
use crate::sandbox::plan::WorkerConfig;

/// Most bytes of the file; a searched folder takes about sixty.
const LARGEST: u64 = 4 << 20;
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The contents of the file.
#[derive(Debug, Serialize, Deserialize)]
struct KeptSearches {
    conditions: Conditions,
    /// When it was written, in milliseconds since 1970.
    at: u64,
    searches: Vec<KeptSearch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptSearch {
    folder: Folder,
    search: FolderSearch,
    examined: Option<Vec<Examined>>,
}

/// What the results depend on besides the folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Conditions {
    version: String,
    /// Device, inode, size and times of kcode's own file: another build may have other rules.
    program: [i128; 5],
    boot: String,
    user: u32,
    /// Globs of secrets that are shown nevertheless.
    readable_secrets: Vec<String>,
}

/// The results for some folders.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct SearchResults {
    /// In the folders' order.
    pub(in crate::sandbox) found: Vec<FolderSearch>,
    /// What to write into the file; `None` if it holds this already, or nothing can be kept.
    pub(in crate::sandbox) keep: Option<String>,
}

/// Searches `folders`, except for those with a kept result that still holds.
pub(in crate::sandbox) fn search(folders: &[Folder], config: &WorkerConfig) -> SearchResults {
    let conditions = config.kept_searches.as_ref().and_then(|_| Conditions::now(config));
    let load = |file: &Path| conditions.as_ref().map(|now| load(file, now)).unwrap_or_default();
    let mut kept = config.kept_searches.as_deref().map(load).unwrap_or_default();
    let holding = |folder: &Folder| kept.get(folder).filter(|search| search.holds_still(&folder.0)).cloned();
    let holding = beside_each_other(folders, all_processors(), holding);
    let is_unknown = |(folder, holding): (&Folder, &Option<FolderSearch>)| holding.is_none().then(|| folder.clone());
    let unknown: Vec<Folder> = folders.iter().zip(&holding).filter_map(is_unknown).collect();
    let new = masks::search(&unknown, &config.readable_secrets, all_processors());
    let mut is_news = false;
    for (folder, search) in unknown.iter().zip(&new) {
        let is_kept = search.is_lasting() && folder.1 != SearchDepth::Doors && folder.0.to_str().is_some();
        is_news |= if is_kept {
            kept.insert(folder.clone(), search.clone());
            true
        } else {
            kept.remove(folder).is_some()
        };
    }
    let keep = conditions.filter(|_| is_news).and_then(|conditions| text(&conditions, kept, folders));
    let mut new = new.into_iter();
    let found = holding.into_iter().filter_map(|holding| holding.or_else(|| new.next())).collect();
    SearchResults { found, keep }
}

/// The results of a search, and the file that is to keep them.
#[derive(Debug)]
pub struct SearchToKeep {
    pub(in crate::sandbox) file: PathBuf,
    pub(in crate::sandbox) text: String,
}

impl SearchToKeep {
    /// Replaces the file atomically. Blocks.
    ///
    /// # Errors
    /// When its folder can't be written; the next run then searches again.
    pub fn write(&self) -> io::Result<()> {
        let folder = self.file.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut new = NamedTempFile::new_in(folder)?;
        new.write_all(self.text.as_bytes())?;
        new.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Conditions {
    /// `None` if they can't be told.
    fn now(config: &WorkerConfig) -> Option<Self> {
        let program = fs::metadata("/proc/self/exe").ok()?;
        let times = [(program.mtime(), program.mtime_nsec()), (program.ctime(), program.ctime_nsec())];
        let [changed, touched] = times.map(|(seconds, rest)| i128::from(seconds) * 1_000_000_000 + i128::from(rest));
        Some(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: [program.dev().into(), program.ino().into(), program.size().into(), changed, touched],
            boot: fs::read_to_string(BOOT).ok()?,
            user: geteuid().as_raw(),
            readable_secrets: config.readable_secrets.clone(),
        })
    }
}

/// The results in `file`, if they were made under the same conditions.
fn load(file: &Path, conditions: &Conditions) -> HashMap<Folder, FolderSearch> {
    let read = || -> Option<KeptSearches> {
        let file = open_own(file).ok()?;
        let about = file.metadata().ok()?;
        let is_own = about.uid() == conditions.user && about.mode() & 0o022 == 0 && about.nlink() == 1;
        let bytes = is_own.then(|| whole(file, LARGEST).ok()).flatten()?;
        serde_json::from_slice(&bytes).ok()
    };
    // With a clock that was set back, a folder could have changed at a time that it had before.
    let kept = read().filter(|kept| kept.conditions == *conditions && kept.at <= now());
    let whole = |KeptSearch { folder, search, examined }: KeptSearch| (folder, FolderSearch { examined, ..search });
    kept.map(|kept| kept.searches.into_iter().map(whole).collect()).unwrap_or_default()
}

/// The file's contents; where there is no room for what other runs were shown, only that of `folders`.
fn text(conditions: &Conditions, kept: HashMap<Folder, FolderSearch>, folders: &[Folder]) -> Option<String> {
    let taken = |(folder, mut search): (Folder, FolderSearch)| {
        let examined = search.examined.take();
        KeptSearch { folder, search, examined }
    };
    let mut searches: Vec<_> = kept.into_iter().map(taken).collect();
    searches.sort_by(|one, other| one.folder.cmp(&other.folder));
    let mut all = KeptSearches { conditions: conditions.clone(), at: now(), searches };
    let write = |all: &KeptSearches| serde_json::to_string(all).ok().filter(|text| text.len() as u64 <= LARGEST);
    write(&all).or_else(|| {
        all.searches.retain(|search| folders.contains(&search.folder));
        write(&all)
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests;
