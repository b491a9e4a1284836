//! A change set written to a tree: all files or none.
//!
//! Every touched file must be, byte for byte and in its mode, what the change set says it was. New
//! contents are staged in a folder beside them, everything is checked once more, and only then do
//! renames put them in place; what is replaced is kept until the last one succeeded. The index, refs
//! and stash are not touched, and git isn't needed.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _, Permissions, PermissionsExt as _};

use super::file_state::{self, Found, Obstacle};
use super::{Blobs, ChangeSet, ChangedFile, FileMode, FileState};
use crate::journal::{Applied, Outcome, RelPath, is_disk_failure};

/// A file that is no longer what it was when the run began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedOn {
    /// The file.
    pub path: RelPath,
    /// What it is now, such as `changed` or `gone`.
    pub now: &'static str,
}

/// Why nothing was applied. The tree is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Files changed since the run began.
    #[error("{} changed since the run began; nothing was applied", list(.0))]
    MovedOn(Vec<MovedOn>),
    /// A change of git's own files: those could make git run something.
    #[error("{0} is git's own; nothing was applied")]
    OfGit(RelPath),
    /// A content of the change set can't be read.
    #[error("the new content of {path} can't be read: {source}; nothing was applied")]
    Content {
        /// The file.
        path: RelPath,
        /// What the system said.
        source: io::Error,
    },
    /// The tree can't be written.
    #[error("can't write {}: {source}; nothing was applied", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tree couldn't be written, and could not be put back either.
    #[error("can't write {}: {source}; these files could not be put back: {}", path.display(), stuck.join(", "))]
    HalfWay {
        /// Where it began.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// The files, with where their old contents are.
        stuck: Vec<String>,
    },
}

impl ApplyError {
    /// What to do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::MovedOn(_) => {
                "your changes are safe; merge the run's patch.diff with `git apply --3way`, or run the task again"
            }
            Self::OfGit(_) => "no run may change git's files; do not apply this patch by other means",
            Self::Content { .. } => "the run's folder is damaged; run the task again",
            Self::Write { .. } => "check permissions and space of the project's folder, then apply again",
            Self::HalfWay { .. } => "move the kept contents back by hand; they are complete",
        }
    }
}

impl ApplyError {
    /// The exit code it ends in: a full disk is no fault of the patch.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Write { source, .. } if is_disk_failure(source) => Outcome::Storage,
            _ => Outcome::Refused,
        }
    }
}

fn list(files: &[MovedOn]) -> String {
    let told = |file: &MovedOn| format!("{} ({})", file.path, file.now);
    files.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Writes `changes` to the tree at `root`. `blobs` holds the contents.
///
/// # Errors
/// When a touched file is not what `changes` says it was, and when something can't be read or written.
pub fn apply(root: &Path, changes: &ChangeSet, blobs: &Blobs) -> Result<Applied, ApplyError> {
    let write_error = |source| ApplyError::Write { path: root.to_owned(), source };
    let tree = Dir::open_ambient_dir(root, ambient_authority()).map_err(write_error)?;
    check(&tree, changes)?;
    let name = PathBuf::from(format!(".kcode-apply-{:016x}", fastrand::u64(..)));
    tree.create_dir(&name).map_err(write_error)?;
    let mut operation = Operation { tree: &tree, staging: name.clone(), done: Vec::new() };
    let result = operation.stage_all(changes, blobs).and_then(|()| check(&tree, changes)).and_then(|()| {
        let committed = operation.commit_all(changes);
        committed.map_err(|(path, source)| {
            let stuck = operation.roll_back();
            if stuck.is_empty() {
                ApplyError::Write { path, source }
            } else {
                ApplyError::HalfWay { path, source, stuck }
            }
        })
    });
    if !matches!(result, Err(ApplyError::HalfWay { .. })) {
        // What is left in it is replaced contents; the work itself is done.
        drop(tree.remove_dir_all(&name));
    }
    result.map(|()| Applied { files: changes.entries.len() as u64 })
}

/// Whether every file that `changes` touches is still what it was.
///
/// # Errors
/// [`ApplyError::MovedOn`] names those that are not.
pub fn still_applies(root: &Path, changes: &ChangeSet) -> Result<(), ApplyError> {
    let tree = Dir::open_ambient_dir(root, ambient_authority());
    check(&tree.map_err(|source| ApplyError::Write { path: root.to_owned(), source })?, changes)
}

/// Compares every touched file with what it must be.
pub(super) fn check(tree: &Dir, changes: &ChangeSet) -> Result<(), ApplyError> {
    if let Some(entry) = changes.entries.iter().find(|entry| file_state::is_of_git(entry.path.as_path())) {
        return Err(ApplyError::OfGit(entry.path.clone()));
    }
    let mut moved_on = Vec::new();
    for entry in &changes.entries {
        if let Some(now) = difference(tree, changes, entry) {
            moved_on.push(MovedOn { path: entry.path.clone(), now });
        }
    }
    if moved_on.is_empty() { Ok(()) } else { Err(ApplyError::MovedOn(moved_on)) }
}

fn difference(tree: &Dir, changes: &ChangeSet, entry: &ChangedFile) -> Option<&'static str> {
    let path = entry.path.as_path();
    let found = match file_state::look(tree, path) {
        Ok(Found::File(..)) => match file_state::state(tree, path) {
            Ok(Some(state)) => state,
            _ => return Some("unreadable"),
        },
        Ok(Found::Nothing) if entry.before.is_some() => return Some("gone"),
        Ok(Found::Nothing) => return is_blocked(tree, changes, path).then_some("behind a link or a file"),
        Ok(Found::Folder) => {
            // A folder may give way to a file when the change set empties it.
            let emptied = |other: &ChangedFile| other.after.is_none() && other.path.as_path().starts_with(path);
            let gives_way = entry.before.is_none() && changes.entries.iter().any(emptied);
            return (!gives_way).then_some("a folder");
        }
        Ok(Found::Special) => return Some("not a file"),
        Err(_) => return Some("unreadable"),
    };
    match entry.before {
        None => Some("there already"),
        Some(before) if found.sha256 != before.sha256 => Some("changed"),
        Some(before) if found.mode != before.mode => Some("of another mode"),
        Some(_) => None,
    }
}

/// The permission bits of a file that had `bits` and is to have `mode`.
pub(super) const fn permissions(bits: u32, mode: FileMode) -> u32 {
    match mode {
        FileMode::Executable if bits & 0o100 != 0 => bits,
        // Whoever may read it may run it, as `chmod +x` and git have it.
        FileMode::Executable => bits | (bits & 0o444) >> 2,
        _ if bits & 0o100 == 0 => bits,
        _ => bits & !0o111,
    }
}

/// Whether something that stays stands where a folder must be: new files don't go through links.
fn is_blocked(tree: &Dir, changes: &ChangeSet, path: &Path) -> bool {
    let goes = |blocker| changes.entries.iter().any(|other| other.after.is_none() && other.path.as_path() == blocker);
    match file_state::obstacle(tree, path) {
        Ok(Some(Obstacle::NoFolder(blocker))) => !goes(blocker),
        Ok(Some(Obstacle::Missing) | None) => false,
        Err(_) => true,
    }
}

/// A step that was taken, so that it can be taken back.
enum Done {
    /// `path` was moved to the staging folder.
    MovedAway {
        path: PathBuf,
        to: PathBuf,
    },
    /// `path` was put in place where there was nothing.
    Placed {
        path: PathBuf,
    },
    FolderMade {
        path: PathBuf,
    },
    FolderRemoved {
        path: PathBuf,
        mode: u32,
    },
}

struct Operation<'a> {
    tree: &'a Dir,
    staging: PathBuf,
    done: Vec<Done>,
}

type Step = Result<(), (PathBuf, io::Error)>;

impl Operation<'_> {
    fn staged(&self, index: usize) -> PathBuf {
        self.staging.join(format!("new-{index}"))
    }

    /// Writes every new content to the staging folder, with its final mode.
    fn stage_all(&self, changes: &ChangeSet, blobs: &Blobs) -> Result<(), ApplyError> {
        for (index, entry) in changes.entries.iter().enumerate() {
            let Some(after) = entry.after else { continue };
            let content =
                blobs.read(after.sha256).map_err(|source| ApplyError::Content { path: entry.path.clone(), source })?;
            let bits = self.permissions(entry, after.mode);
            self.stage(&self.staged(index), after, &content, bits)
                .map_err(|source| ApplyError::Write { path: entry.path.as_path().to_owned(), source })?;
        }
        Ok(())
    }

    /// The permission bits that a changed file keeps; `None` for a new one, which gets what the umask leaves.
    fn permissions(&self, entry: &ChangedFile, mode: FileMode) -> Option<u32> {
        entry.before.filter(|before| !before.mode.is_symlink())?;
        let bits = self.tree.symlink_metadata(entry.path.as_path()).ok()?.mode() & 0o777;
        Some(permissions(bits, mode))
    }

    fn stage(&self, path: &Path, after: FileState, content: &[u8], bits: Option<u32>) -> io::Result<()> {
        if after.mode.is_symlink() {
            return self.tree.symlink_contents(file_state::as_path(content), path);
        }
        let mode = if after.mode == FileMode::Executable { 0o777 } else { 0o666 };
        let mut file = self.tree.open_with(path, OpenOptions::new().write(true).create_new(true).mode(mode))?;
        file.write_all(content)?;
        if let Some(bits) = bits {
            file.set_permissions(Permissions::from_mode(bits))?;
        }
        file.sync_all()
    }

    /// Deletions first, so that a file can take a folder's place and the other way round.
    fn commit_all(&mut self, changes: &ChangeSet) -> Step {
        let entries = || changes.entries.iter().enumerate();
        for (index, entry) in entries().filter(|(_, entry)| entry.after.is_none()) {
            self.step(entry, |operation, path| operation.move_away(index, path))?;
        }
        for (_, entry) in entries().filter(|(_, entry)| entry.after.is_none()) {
            self.remove_emptied_folders(entry.path.as_path());
        }
        for (index, entry) in entries().filter(|(_, entry)| entry.after.is_some()) {
            self.step(entry, |operation, path| operation.place(index, entry, path))?;
        }
        Ok(())
    }

    fn step(&mut self, entry: &ChangedFile, take: impl FnOnce(&mut Self, &Path) -> io::Result<()>) -> Step {
        let path = entry.path.as_path();
        take(self, path).map_err(|source| (path.to_owned(), source))
    }

    fn move_away(&mut self, index: usize, path: &Path) -> io::Result<()> {
        let to = self.staging.join(format!("old-{index}"));
        self.tree.rename(path, self.tree, &to)?;
        self.done.push(Done::MovedAway { path: path.to_owned(), to });
        Ok(())
    }

    fn place(&mut self, index: usize, entry: &ChangedFile, path: &Path) -> io::Result<()> {
        if entry.before.is_some() {
            // A second name keeps the old content while the rename replaces it, so that the path is never empty.
            let to = self.staging.join(format!("old-{index}"));
            match self.tree.hard_link(path, self.tree, &to) {
                Ok(()) => self.done.push(Done::MovedAway { path: path.to_owned(), to }),
                // Some file systems have no hard links.
                Err(_) => self.move_away(index, path)?,
            }
        } else {
            self.make_folders(path)?;
            if self.tree.symlink_metadata(path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something is there already"));
            }
        }
        self.tree.rename(self.staged(index), self.tree, path)?;
        self.done.push(Done::Placed { path: path.to_owned() });
        Ok(())
    }

    fn make_folders(&mut self, path: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = Vec::new();
        for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            if self.tree.symlink_metadata(parent).is_ok() {
                break;
            }
            missing.push(parent);
        }
        for folder in missing.into_iter().rev() {
            self.tree.create_dir(folder)?;
            self.done.push(Done::FolderMade { path: folder.to_owned() });
        }
        Ok(())
    }

    /// As git does: a folder whose last file goes, goes too. One that isn't empty stays.
    fn remove_emptied_folders(&mut self, path: &Path) {
        for folder in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            let Ok(metadata) = self.tree.symlink_metadata(folder) else { continue };
            if self.tree.remove_dir(folder).is_err() {
                return;
            }
            self.done.push(Done::FolderRemoved { path: folder.to_owned(), mode: metadata.mode() & 0o7777 });
        }
    }

    /// Takes every step back, the last one first. Returns what could not be put back.
    fn roll_back(&mut self) -> Vec<String> {
        let mut stuck = Vec::new();
        while let Some(step) = self.done.pop() {
            let (path, result) = match step {
                Done::MovedAway { path, to } => {
                    let told = format!("{} (kept in {})", path.display(), to.display());
                    (told, self.tree.rename(&to, self.tree, &path))
                }
                Done::Placed { path } => (path.display().to_string(), self.tree.remove_file(&path)),
                Done::FolderMade { path } => (path.display().to_string(), self.tree.remove_dir(&path)),
                Done::FolderRemoved { path, mode } => {
                    let made = self.tree.create_dir(&path);
                    let made = made.and_then(|()| self.tree.set_permissions(&path, Permissions::from_mode(mode)));
                    (path.display().to_string(), made)
                }
            };
            if result.is_err() {
                stuck.push(path);
            }
        }
        stuck
    }
}
