//! Ignored folders of installed dependencies (`node_modules`, `.venv`), made visible in the view.
//!
//! They are too big to copy and never part of the patch: the view holds a link to the user's own
//! folder, which the worker's confinement makes read-only. One thing needs more than a link: the
//! `node_modules` of a JavaScript workspace links back to the project's own packages, and tests must
//! see those of the view. Such a folder becomes a real one, with a link for each entry.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Outline, Repository, file_state};

/// A dependency folder of the user's tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DependencyFolder {
    /// Relative to the root.
    pub(super) path: PathBuf,
    /// Where it really is: another place when the user's own is a link.
    pub(super) target: PathBuf,
}

impl DependencyFolder {
    /// The folder at `path` below `root`, when there is one.
    pub(super) fn at(root: &Path, path: PathBuf) -> Option<Self> {
        let place = root.join(&path);
        // Asked of every folder, and seldom there: one call says so, resolving the way to it takes one for each part.
        place.symlink_metadata().ok()?;
        let target = fs::canonicalize(place).ok().filter(|target| target.is_dir())?;
        Some(Self { path, target })
    }

    /// What the user should know about it, in one sentence.
    pub(super) fn note(&self, root: &Path) -> String {
        let name = self.path.display();
        if self.imports_project(root) {
            format!(
                "{name} is linked, read-only; it has this project installed in editable mode, so tests may import your \
                 tree instead of the view: put PYTHONPATH=. (or src) into the test command"
            )
        } else {
            format!("{name} is linked, read-only")
        }
    }

    /// Whether this is a Python environment whose packages point back to the project (`pip install -e`).
    fn imports_project(&self, root: &Path) -> bool {
        let libraries = fs::read_dir(self.target.join("lib")).into_iter().flatten().flatten();
        let packages = libraries.filter_map(|library| fs::read_dir(library.path().join("site-packages")).ok());
        packages.flatten().flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let pointer = name.ends_with(".pth") || name.ends_with(".egg-link") || name.starts_with("__editable__");
            pointer && points_to(&entry.path(), root)
        })
    }

    /// Makes it visible below `view`.
    pub(super) fn link(&self, root: &Path, view: &Path) -> io::Result<()> {
        let place = view.join(&self.path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        if self.links_back(root, &self.target)? {
            self.mirror(root, view, &self.target, &place)
        } else {
            symlink(&self.target, place)
        }
    }

    /// Whether an entry of `folder` (or of a scope such as `@org` in it) is a link into the project itself.
    fn links_back(&self, root: &Path, folder: &Path) -> io::Result<bool> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let back = entry.file_type()?.is_symlink() && self.own_package(root, &entry.path()).is_some();
            if back || (is_scope(&entry)? && self.links_back(root, &entry.path())?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The project's path that a link leads to, unless it stays among the dependencies.
    fn own_package(&self, root: &Path, link: &Path) -> Option<PathBuf> {
        let target = fs::canonicalize(link).ok()?;
        let path = file_state::relative(root, &target)?;
        let folder = self.path.file_name()?;
        (target.is_dir() && !path.iter().any(|part| part == folder)).then_some(path)
    }

    fn mirror(&self, root: &Path, view: &Path, folder: &Path, place: &Path) -> io::Result<()> {
        fs::create_dir(place)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let mirrored = place.join(entry.file_name());
            if is_scope(&entry)? {
                self.mirror(root, view, &entry.path(), &mirrored)?;
            } else if let Some(own) =
                entry.file_type()?.is_symlink().then(|| self.own_package(root, &entry.path())).flatten()
            {
                symlink(view.join(own), mirrored)?;
            } else {
                symlink(entry.path(), mirrored)?;
            }
        }
        Ok(())
    }
}

/// Whether a small text file names `root`.
fn points_to(file: &Path, root: &Path) -> bool {
    let mut text = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(1 << 16).read_to_end(&mut text));
    let root = root.as_os_str().as_encoded_bytes();
    read.is_ok() && text.windows(root.len()).any(|window| window == root)
}

fn is_scope(entry: &fs::DirEntry) -> io::Result<bool> {
    Ok(entry.file_name().as_encoded_bytes().starts_with(b"@") && entry.file_type()?.is_dir())
}

impl Repository {
    /// Where dependency folders called one of `names` really are, as far as `outline` tells which folders there are:
    /// what a worker may read. Known before the view is made, because a worker is confined before that.
    #[must_use]
    pub fn dependency_targets(&self, names: &[String], outline: &Outline) -> Vec<PathBuf> {
        let mut last = None;
        let parents = outline.paths().map(|path| path.rsplit_once('/').map_or("", |(parent, _)| parent));
        // Sorted paths of one folder mostly stand together; the set need only see where the folder changes.
        let mut parents: BTreeSet<&str> = parents.filter(|parent| last.replace(*parent) != Some(*parent)).collect();
        parents.insert("");
        let candidates = parents.iter().flat_map(|parent| names.iter().map(|name| Path::new(parent).join(name)));
        targets(&candidates.filter_map(|path| DependencyFolder::at(self.root(), path)).collect::<Vec<_>>())
    }
}

/// Where the folders really are, each once: what the worker may read besides the view.
pub(super) fn targets(folders: &[DependencyFolder]) -> Vec<PathBuf> {
    folders.iter().map(|folder| folder.target.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}
