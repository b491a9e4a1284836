//! Turns a patch file into the change set that it would make, without changing the tree.
//!
//! The files that the patch touches are copied to a folder of kcode's own, `git apply` runs there, and the difference
//! is the change set.

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Permissions, PermissionsExt as _};

use super::file_state::{self, PathState};
use super::git::Git;
use super::{Blobs, ChangeSet, ChangedFile, FileMode, FileState};
use crate::journal::RelPath;

/// A patch in git's format, and the tree that it is applied to.
pub struct PatchFile<'a> {
    /// The patch in git's format.
    pub bytes: &'a [u8],
    /// Every path that it touches, both paths of a rename.
    pub paths: &'a [RelPath],
    /// Root of the tree.
    pub root: &'a Path,
    /// Folder for temporary copies.
    pub scratch: &'a Path,
    /// Where new contents are stored.
    pub blobs: &'a Blobs,
}

/// Direction in which a patch is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As `git apply`.
    Forth,
    /// As `git apply --reverse`.
    Back,
}

/// Why a patch can't become a change set.
#[derive(Debug, thiserror::Error)]
pub enum PatchFileError {
    /// It doesn't apply; the text is git's.
    #[error("git can't apply it: {0}")]
    Unfit(String),
    /// It touches a path that isn't a file, or that belongs to git.
    #[error("{0} is no file that a patch may touch")]
    NoFile(RelPath),
    /// It changes a path that isn't in `paths`.
    #[error("it changes {0}, which it was not said to")]
    Unnamed(String),
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl PatchFile<'_> {
    /// The changes that applying the patch would make. Blocks.
    ///
    /// # Errors
    /// When it doesn't fit the tree as it stands, or touches what it shouldn't.
    pub fn changes(&self, direction: Direction) -> Result<ChangeSet, PatchFileError> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.scratch)?;
        let folder = tempfile::tempdir_in(self.scratch)?;
        let place = folder.path().canonicalize()?;
        let tree = Dir::open_ambient_dir(self.root, ambient_authority())?;
        let copy = Dir::open_ambient_dir(&place, ambient_authority())?;
        let before = self.paths.iter().map(|path| copied(&tree, &copy, path)).collect::<Result<Vec<_>, _>>()?;
        apply(&place, self.bytes, direction)?;
        self.refuse_unnamed(&place)?;
        let mut entries = Vec::new();
        for (path, before) in self.paths.iter().zip(before) {
            let after = self.kept(&copy, path)?;
            if before != after {
                entries.push(ChangedFile { path: path.clone(), before, after });
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        entries.dedup();
        Ok(ChangeSet::new(entries))
    }

    /// The state at `path` after the patch; stores its content.
    fn kept(&self, copy: &Dir, path: &RelPath) -> Result<Option<FileState>, PatchFileError> {
        match file_state::look(copy, path.as_path())? {
            PathState::Nothing | PathState::Folder => Ok(None),
            PathState::Special => Err(PatchFileError::NoFile(path.clone())),
            PathState::File(mode, _) => {
                let content = file_state::content(copy, path.as_path(), mode)?;
                Ok(Some(FileState { mode, sha256: self.blobs.keep(&content)? }))
            }
        }
    }

    fn refuse_unnamed(&self, place: &Path) -> Result<(), PatchFileError> {
        let known: HashSet<&Path> = self.paths.iter().map(RelPath::as_path).collect();
        let named = |path: &Path| known.contains(path);
        let all = ignore::WalkBuilder::new(place).standard_filters(false).build().flatten();
        let files = all.filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
        let mut paths = files.filter_map(|entry| file_state::relative(place, entry.path()));
        match paths.find(|path| !named(path)) {
            Some(path) => Err(PatchFileError::Unnamed(path.display().to_string())),
            None => Ok(()),
        }
    }
}

/// Copies the file at `path`, if there is one, and returns its state.
fn copied(tree: &Dir, copy: &Dir, path: &RelPath) -> Result<Option<FileState>, PatchFileError> {
    let place = path.as_path();
    let found = if file_state::is_of_git(place) { PathState::Special } else { file_state::look(tree, place)? };
    let mode = match found {
        // A file may replace a folder.
        PathState::Nothing | PathState::Folder => return Ok(None),
        PathState::Special => return Err(PatchFileError::NoFile(path.clone())),
        PathState::File(mode, _) => mode,
    };
    let content = file_state::content(tree, place, mode)?;
    if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        copy.create_dir_all(parent)?;
    }
    if mode.is_symlink() {
        copy.symlink_contents(file_state::as_path(&content), place)?;
    } else {
        copy.write(place, &content)?;
        let bits = if mode == FileMode::Executable { 0o700 } else { 0o600 };
        copy.set_permissions(place, Permissions::from_mode(bits))?;
    }
    Ok(Some(FileState { mode, sha256: crate::journal::Digest::of(&content) }))
}

/// Runs `git apply` in a folder that belongs to no repository, with nobody's settings.
fn apply(place: &Path, patch: &[u8], direction: Direction) -> Result<(), PatchFileError> {
    let reverse = (direction == Direction::Back).then_some("--reverse");
    let arguments = ["apply", "--whitespace=nowarn"].into_iter().chain(reverse).chain(["-"]);
    let applied = Git::nowhere(place).and_then(|git| git.args(arguments).run(patch));
    applied.map(drop).map_err(|said| PatchFileError::Unfit(said.trim_start_matches("error: ").to_owned()))
}
