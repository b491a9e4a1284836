//! The difference between the view and its start, as a patch that `git apply` takes at the start state.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::change_set::replace;
use super::differences::{Differences, NEW_FILES_COUNT};
use super::error::io_error;
use super::hunks::{Hunks, Side, object_name, write_section};
use super::repository::ObjectFormat;
use super::{Blobs, ChangeSet, ChangedFile, FileState, Repository, WorkspaceError, file_state};
use crate::journal::{ChangeKind, Digest, FileChange, GeneratedFile, RelPath};

/// The changes of a run as a patch.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The patch in git's format; empty when nothing changed.
    pub bytes: Vec<u8>,
    /// Kind and counts of each file's change, sorted by path.
    pub files: Vec<FileChange>,
    /// Hash of `bytes`; `None` when they are empty.
    pub sha256: Option<Digest>,
    /// The same changes as exact states, for apply and undo.
    pub changes: ChangeSet,
    /// Changes that aren't in the patch, and why.
    pub left_out: Vec<LeftOut>,
    /// What commands wrote, in the patch or not; empty for a view that doesn't separate commands from tools.
    pub generated: Vec<GeneratedFile>,
    /// Globs from flags that match nothing that was written.
    pub named_nothing: Vec<String>,
}

/// A change of the view that could not become part of the patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Relative to the root, shortened when long.
    pub path: String,
    /// Why it isn't in the patch.
    pub reason: LeftOutReason,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not in the patch: {}", self.path, self.reason)
    }
}

/// Why a change isn't in the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOutReason {
    /// The original content is lost: the user's file has changed since, and in the view a command, not a tool, changed
    /// it.
    #[error("it was changed both in your tree and by a command of the run, and its start was not kept")]
    StartGone,
    /// The user's tree has a file there that the view never had.
    #[error("your tree has a file there that was not in the view")]
    NotInView,
    /// The path isn't UTF-8.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// The file has more than 64 MiB.
    #[error("it has more than 64 MB")]
    TooLarge,
    /// All such files together have more than 64 MiB.
    #[error("a command of the run made more than 64 MB of new files")]
    TooMuch,
    /// Commands made too many new files.
    #[error("commands of the run made more than {NEW_FILES_COUNT} new files")]
    TooManyFiles,
    /// Stands for the paths beyond those that are listed by name.
    #[error("only the first are told by name")]
    Unnamed,
    /// There are too many files and folders to compare.
    #[error("there is more of it than can be looked at")]
    TooMany,
    /// The nesting or the path's length exceeds the limit.
    #[error("it is nested too deep, and was not searched")]
    TooDeep,
    /// The folder's `.gitignore` is a pipe, a device, huge, or a link out of the view.
    #[error("its .gitignore is no ordinary file, so it was not searched for new files")]
    IgnoreRules,
    /// A pipe, a socket or a device replaced it.
    #[error("it was replaced by a pipe, a socket or a device")]
    Special,
    /// The system denies reading it.
    #[error("it can't be read")]
    Unreadable,
}

/// Replaces the patch file in one step: a reader, or a killed run, finds the old patch or the new one.
///
/// # Errors
/// When the folder can't be written.
pub fn write_patch(file: &Path, patch: &Patch) -> Result<(), WorkspaceError> {
    replace(file, &patch.bytes).map_err(io_error("write", file))
}

/// Computed hunks and git's two object names, by the hashes of the contents before and after.
pub(super) type HunksCache = BTreeMap<(Option<Digest>, Option<Digest>), (Hunks, [String; 2])>;

/// Where contents are read from: the blobs, or the user's tree.
#[derive(Clone, Copy)]
pub(super) struct PatchSources<'a> {
    pub(super) blobs: &'a Blobs,
    pub(super) origin: &'a Dir,
}

impl Patch {
    /// Makes the patch for `changes` of `repository`; their contents are in `blobs`.
    ///
    /// # Errors
    /// When a content can't be read.
    pub fn of(changes: &ChangeSet, blobs: &Blobs, repository: &Repository) -> Result<Self, WorkspaceError> {
        let root = repository.root();
        let origin = Dir::open_ambient_dir(root, ambient_authority()).map_err(io_error("open", root))?;
        let files = changes.entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect();
        let differences = Differences { files, ..Differences::default() };
        let contents = PatchSources { blobs, origin: &origin };
        let making = PatchContext { format: repository.object_format, stop: &AtomicBool::new(false) };
        assemble(contents, making, &differences, &mut HunksCache::default())
    }
}

#[derive(Clone, Copy)]
pub(super) struct PatchContext<'a> {
    pub(super) format: ObjectFormat,
    /// Cancels the work when set.
    pub(super) stop: &'a AtomicBool,
}

impl PatchContext<'_> {
    fn go_on(self) -> Result<(), WorkspaceError> {
        if self.stop.load(Ordering::Relaxed) { Err(WorkspaceError::Stopped) } else { Ok(()) }
    }
}

/// Makes the patch of `differences`. Hunks still needed are reused from `cache`.
pub(super) fn assemble(
    contents: PatchSources<'_>,
    making: PatchContext<'_>,
    differences: &Differences,
    cache: &mut HunksCache,
) -> Result<Patch, WorkspaceError> {
    let mut left_out = differences.left_out();
    let mut entries = Vec::new();
    for entry in differences.files.values() {
        making.go_on()?;
        if has_start(contents, entry).map_err(io_error("keep", entry.path.as_path()))? {
            entries.push(entry.clone());
        } else {
            left_out.push(LeftOut { path: entry.path.to_string(), reason: LeftOutReason::StartGone });
        }
    }
    written(contents.blobs, making, entries, left_out, cache)
}

/// Rebases `patch` from the state after `since` to the state before it. All contents are kept.
pub(super) fn restate(
    blobs: &Blobs,
    format: ObjectFormat,
    patch: Patch,
    since: &ChangeSet,
) -> Result<Patch, WorkspaceError> {
    let making = PatchContext { format, stop: &AtomicBool::new(false) };
    let entries = since.then(&patch.changes).entries;
    let restated = written(blobs, making, entries, patch.left_out, &mut HunksCache::new())?;
    Ok(Patch { generated: patch.generated, named_nothing: patch.named_nothing, ..restated })
}

fn written(
    blobs: &Blobs,
    making: PatchContext<'_>,
    entries: Vec<ChangedFile>,
    left_out: Vec<LeftOut>,
    cache: &mut HunksCache,
) -> Result<Patch, WorkspaceError> {
    let renames = renames(&entries);
    let moved: BTreeSet<&RelPath> = renames.values().map(|from| &from.path).collect();
    let format = making.format;
    let mut writer = Writer { blobs, format, old: std::mem::take(cache), cache, bytes: Vec::new(), files: Vec::new() };
    for entry in &entries {
        making.go_on()?;
        if !moved.contains(&entry.path) {
            writer.write(entry, renames.get(&entry.path).copied())?;
        }
    }
    let Writer { bytes, files, .. } = writer;
    let sha256 = (!bytes.is_empty()).then(|| Digest::of(&bytes));
    let changes = ChangeSet::new(entries);
    Ok(Patch { bytes, files, sha256, changes, left_out, generated: Vec::new(), named_nothing: Vec::new() })
}

/// Makes sure that the content which a change replaces is in the blobs: stored when a tool changed the file, else
/// copied from the user's tree.
fn has_start(PatchSources { blobs, origin }: PatchSources<'_>, entry: &ChangedFile) -> io::Result<bool> {
    let Some(before) = entry.before else { return Ok(true) };
    if blobs.holds(before.sha256) {
        return Ok(true);
    }
    let path = entry.path.as_path();
    // When the user's file can't be read or has changed, the start is gone.
    if !file_state::state(origin, path).is_ok_and(|state| state.is_some_and(|state| state.sha256 == before.sha256)) {
        return Ok(false);
    }
    let Ok(content) = file_state::content(origin, path, before.mode) else { return Ok(false) };
    Ok(blobs.keep(&content)? == before.sha256)
}

/// Maps each added path to the deleted one that had the same bytes. Empty files prove nothing. Links are never renames:
/// a rename doesn't tell `git apply` that what it moves is a link, and it refuses to put a folder in its place.
fn renames(entries: &[ChangedFile]) -> BTreeMap<RelPath, &ChangedFile> {
    let proof = |state: Option<FileState>| {
        state.filter(|state| !state.mode.is_symlink() && state.sha256 != Digest::of([])).map(|state| state.sha256)
    };
    let mut gone: BTreeMap<Digest, Gone<'_>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.after.is_none()) {
        if let Some(digest) = proof(entry.before) {
            gone.entry(digest).or_default().add(entry);
        }
    }
    let mut renames = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.before.is_none()) {
        let candidates = proof(entry.after).and_then(|digest| gone.get_mut(&digest));
        if let Some(from) = candidates.and_then(|candidates| candidates.take(entry)) {
            renames.insert(entry.path.clone(), from);
        }
    }
    renames
}

/// Deleted files with one content, by path and by name; a whole folder of them may have been moved.
#[derive(Default)]
struct Gone<'e> {
    files: BTreeMap<&'e RelPath, &'e ChangedFile>,
    by_name: BTreeMap<&'e OsStr, BTreeSet<&'e RelPath>>,
}

impl<'e> Gone<'e> {
    fn add(&mut self, entry: &'e ChangedFile) {
        self.files.insert(&entry.path, entry);
        self.by_name.entry(name(entry)).or_default().insert(&entry.path);
    }

    /// Takes the best rename source for `entry`: a file of the same name, or else the first.
    fn take(&mut self, entry: &ChangedFile) -> Option<&'e ChangedFile> {
        let same_name = self.by_name.get(name(entry)).and_then(|paths| paths.first().copied());
        let path = same_name.or_else(|| self.files.keys().next().copied())?;
        let from = self.files.remove(path)?;
        if let Some(paths) = self.by_name.get_mut(name(from)) {
            paths.remove(path);
        }
        Some(from)
    }
}

fn name(entry: &ChangedFile) -> &OsStr {
    entry.path.as_path().file_name().unwrap_or_default()
}

struct Writer<'a> {
    blobs: &'a Blobs,
    format: ObjectFormat,
    old: HunksCache,
    cache: &'a mut HunksCache,
    bytes: Vec<u8>,
    files: Vec<FileChange>,
}

impl Writer<'_> {
    fn write(&mut self, entry: &ChangedFile, renamed: Option<&ChangedFile>) -> Result<(), WorkspaceError> {
        let (old_path, before) = renamed.map_or((&entry.path, entry.before), |from| (&from.path, from.before));
        let one_kind =
            before.zip(entry.after).is_none_or(|(before, after)| before.mode.is_symlink() == after.mode.is_symlink());
        // Git has no section for a file that becomes a link: one is deleted, the other added.
        let steps = if one_kind { vec![(before, entry.after)] } else { vec![(before, None), (None, entry.after)] };
        let mut change =
            FileChange { path: entry.path.clone(), kind: kind(entry, renamed), added: 0, removed: 0, binary: false };
        for (before, after) in steps {
            let (hunks, [old, new]) = self.hunks(&entry.path, before, after)?;
            let side = |path: &RelPath, state: FileState, object| Side { path: path.clone(), mode: state.mode, object };
            let before = before.map(|state| side(old_path, state, old));
            let after = after.map(|state| side(&entry.path, state, new));
            write_section(&mut self.bytes, before.as_ref(), after.as_ref(), &hunks);
            change.added += hunks.added;
            change.removed += hunks.removed;
            change.binary |= hunks.binary;
        }
        self.files.push(change);
        Ok(())
    }

    /// The hunks between two contents, and their git object names.
    fn hunks(
        &mut self,
        path: &RelPath,
        before: Option<FileState>,
        after: Option<FileState>,
    ) -> Result<(Hunks, [String; 2]), WorkspaceError> {
        let key = (before.map(|state| state.sha256), after.map(|state| state.sha256));
        let known = self.old.remove(&key).or_else(|| self.cache.get(&key).cloned());
        let made = match known {
            Some(known) => known,
            None => self.read_and_make(path, key)?,
        };
        self.cache.insert(key, made.clone());
        Ok(made)
    }

    fn read_and_make(
        &self,
        path: &RelPath,
        (before, after): (Option<Digest>, Option<Digest>),
    ) -> Result<(Hunks, [String; 2]), WorkspaceError> {
        let read = |digest: Option<Digest>| digest.map_or(Ok(Vec::new()), |digest| self.blobs.read(digest));
        let contents = read(before).and_then(|before| Ok((before, read(after)?)));
        let (before, after) = contents.map_err(io_error("read the contents of", path.as_path()))?;
        self.make(&before, &after).map_err(|source| WorkspaceError::Difference { path: path.to_string(), source })
    }

    fn make(&self, before: &[u8], after: &[u8]) -> Result<(Hunks, [String; 2]), git2::Error> {
        let hunks = if before == after { Hunks::default() } else { Hunks::between(before, after)? };
        Ok((hunks, [object_name(self.format, before)?, object_name(self.format, after)?]))
    }
}

fn kind(entry: &ChangedFile, renamed: Option<&ChangedFile>) -> ChangeKind {
    match (renamed, entry.before, entry.after) {
        (Some(from), ..) => ChangeKind::Renamed { from: from.path.clone() },
        (None, None, _) => ChangeKind::Added,
        (None, _, None) => ChangeKind::Deleted,
        (None, Some(before), Some(after)) if before.sha256 == after.sha256 => ChangeKind::ModeChanged,
        _ => ChangeKind::Modified,
    }
}
