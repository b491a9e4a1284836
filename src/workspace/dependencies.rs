//! Ignored folders of installed dependencies (`node_modules`, `.venv`), made visible in the view.
//!
//! They are too big to copy and never part of the patch: the view holds a link to the user's own folder, which the
//! sandbox makes read-only. The `node_modules` of a JavaScript workspace links back to the project's own packages, and
//! tests must see those of the view, so such a folder becomes a real one, with a link for each entry.
//!
//! A link that leads out of the repository opens nothing, whoever made it: it works only where its target is shown
//! anyway, as toolchains and the paths of the user's own settings are. Elsewhere it dangles, and the user is told.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::git::GitDir;
use super::{Outline, Repository, file_state};

/// Number of entries of a Python environment that are searched for a link back to the project.
const MOST_PACKAGES: usize = 10_000;

/// A dependency folder of the user's tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DependencyFolder {
    /// Relative to the root.
    pub(super) path: PathBuf,
    /// Canonical; elsewhere when the user's own folder is a link.
    pub(super) target: PathBuf,
    /// True when `target` is in the repository.
    is_inside: bool,
}

/// The dependency folders of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Canonical folders inside the repository: what a worker may read besides a view that is a copy.
    pub folders: Vec<PathBuf>,
    /// Dependency folders that are links out of the repository. They open nothing.
    pub leading_out: Vec<LeadingOut>,
    /// Canonical object folders that the repository borrows from others (alternates). They open nothing either.
    pub borrowed: Vec<PathBuf>,
}

/// A dependency folder that is a link out of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadingOut {
    /// Relative to the root.
    pub path: PathBuf,
    /// Canonical target.
    pub target: PathBuf,
    /// True when git tracks the link.
    pub is_tracked: bool,
}

impl LeadingOut {
    /// A sentence for the user, for a link whose target isn't shown in the sandbox.
    #[must_use]
    pub fn note(&self) -> String {
        let (path, target) = (self.path.display(), self.target.display());
        let tracked = if self.is_tracked { " that git tracks" } else { "" };
        format!(
            "{path} is not followed: it is a link{tracked} to {target}; if the tests need it, name that folder in `readable` \
             of your own settings"
        )
    }
}

impl DependencyFolder {
    /// The folder at `path` below `root`; `None` when there is none, or a parent is a link.
    pub(super) fn at(root: &Path, path: PathBuf) -> Option<Self> {
        let place = root.join(&path);
        // This runs for every folder and mostly finds nothing: one call says so, while canonicalizing takes one for
        // each component.
        place.symlink_metadata().ok()?;
        let mut parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        if !parents.all(|parent| root.join(parent).symlink_metadata().is_ok_and(|about| about.is_dir())) {
            return None;
        }
        let target = fs::canonicalize(place).ok().filter(|target| target.is_dir())?;
        let within = file_state::relative(root, &target);
        let is_inside = within.is_some_and(|path| !path.as_os_str().is_empty() && !file_state::is_of_git(&path));
        Some(Self { path, target, is_inside })
    }

    /// A sentence for the user; `None` for a link out of the repository, because only the worker knows whether it leads
    /// anywhere.
    pub(super) fn note(&self, root: &Path) -> Option<String> {
        let name = self.path.display();
        if !self.is_inside {
            None
        } else if self.imports_project(root) {
            Some(format!(
                "{name} is linked, read-only; it has this project installed in editable mode, so tests may import your \
                 tree instead of the view: put PYTHONPATH=. (or src) into the test command"
            ))
        } else {
            Some(format!("{name} is linked, read-only"))
        }
    }

    /// Returns true for a Python environment whose packages point back to the project (`pip install -e`).
    fn imports_project(&self, root: &Path) -> bool {
        let libraries = fs::read_dir(self.target.join("lib")).into_iter().flatten().flatten();
        let packages = libraries.filter_map(|library| fs::read_dir(library.path().join("site-packages")).ok());
        packages.flatten().flatten().take(MOST_PACKAGES).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let pointer = name.ends_with(".pth") || name.ends_with(".egg-link") || name.starts_with("__editable__");
            pointer && points_to(&entry.path(), root)
        })
    }

    /// Makes the folder visible below `view`.
    pub(super) fn link(&self, root: &Path, view: &Path) -> io::Result<()> {
        let place = view.join(&self.path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        if self.is_inside && self.links_back(root)? {
            self.mirror(root, view, &self.target, &place)
        } else {
            symlink(&self.target, place)
        }
    }

    /// Returns true when an entry (or one of a scope such as `@org`) is a link into the project itself.
    fn links_back(&self, root: &Path) -> io::Result<bool> {
        let is_back = |entry: &fs::DirEntry| {
            entry.file_type().is_ok_and(|kind| kind.is_symlink()) && self.own_package(root, &entry.path()).is_some()
        };
        for entry in fs::read_dir(&self.target)? {
            let entry = entry?;
            if is_back(&entry) || (is_scope(&entry)? && fs::read_dir(entry.path())?.flatten().any(|it| is_back(&it))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The project path that a link leads to, unless it stays among the dependencies.
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
            // Scopes don't nest.
            if folder == self.target && is_scope(&entry)? {
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

/// Returns true when a small text file contains the path `root`.
fn points_to(file: &Path, root: &Path) -> bool {
    let mut text = Vec::new();
    // The repository's file may be a pipe without a writer, or an endless device.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file);
    let file = opened.ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()));
    let read = file.is_some_and(|file| file.take(1 << 16).read_to_end(&mut text).is_ok());
    let root = root.as_os_str().as_encoded_bytes();
    read && text.windows(root.len()).any(|window| window == root)
}

fn is_scope(entry: &fs::DirEntry) -> io::Result<bool> {
    Ok(entry.file_name().as_encoded_bytes().starts_with(b"@") && entry.file_type()?.is_dir())
}

impl Repository {
    /// Finds the dependency folders called one of `names` in the folders that `outline` lists. This runs before the
    /// view is made, because a worker is confined before that.
    #[must_use]
    pub fn dependencies(&self, names: &[String], outline: &Outline) -> Dependencies {
        let mut last = None;
        let parents = outline.paths().map(|path| path.rsplit_once('/').map_or("", |(parent, _)| parent));
        // Sorted paths of one folder are mostly adjacent, so only changes of the folder reach the set.
        let mut parents: BTreeSet<&str> = parents.filter(|parent| last.replace(*parent) != Some(*parent)).collect();
        parents.insert("");
        let candidates = parents.iter().flat_map(|parent| names.iter().map(|name| Path::new(parent).join(name)));
        let found: Vec<_> = candidates.filter_map(|path| DependencyFolder::at(self.root(), path)).collect();
        let is_link = |folder: &DependencyFolder| folder.target != self.root().join(&folder.path);
        let is_asked = outline.tracked && found.iter().any(is_link);
        let tracked: HashSet<&Path> = outline.paths().filter(|_| is_asked).map(Path::new).collect();
        let is_tracked = |path: &Path| tracked.contains(path);
        let (inside, outside): (Vec<_>, Vec<_>) = found.into_iter().partition(|folder| folder.is_inside);
        // A link that git tracks is copied into the view as a link.
        let inside = inside.into_iter().filter(|it| !is_link(it) || !is_tracked(&it.path));
        let folders = inside.map(|folder| folder.target).collect::<BTreeSet<_>>().into_iter().collect();
        let leading_out = outside.into_iter().map(|DependencyFolder { path, target, .. }| {
            let is_tracked = is_tracked(&path);
            LeadingOut { path, target, is_tracked }
        });
        let borrowed = self.git_dir().map(GitDir::borrows_from).unwrap_or_default();
        Dependencies { folders, leading_out: leading_out.collect(), borrowed }
    }
}
