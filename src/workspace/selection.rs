//! Selects which files of the user's tree the view gets: tracked ones as they are on disk, and untracked ones that
//! aren't ignored, those of submodules and nested repositories included.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::dependencies::DependencyFolder;
use super::git::GitDir;
use super::outline::tracked_paths;
use super::paths::PathList;
use super::walk::{may_enter, walk};
use super::{GitAccess, Repository, file_state};

/// What is copied, and what is linked.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Files, links and whatever else isn't a folder; sorted.
    pub(super) paths: PathList,
    /// Dependency folders that aren't tracked.
    pub(super) dependencies: Vec<DependencyFolder>,
    /// One sentence for each thing that can't be included.
    pub(super) notes: Vec<String>,
}

struct SelectionWalk {
    /// For each path of the index, whether the walk found it.
    met: Vec<bool>,
    untracked: PathList,
    /// Folders below the root that are repositories of their own.
    nested: BTreeSet<PathBuf>,
    dependencies: Vec<DependencyFolder>,
    notes: Vec<String>,
}

/// Walks the user's tree. `names` are the dependency folders of the settings.
pub(super) fn select(repository: &Repository, names: &[String]) -> Selection {
    let root = repository.root();
    let mut index = repository.git_dir().and_then(tracked_paths).unwrap_or_default();
    index.sort();
    let index = Arc::new(index);
    let SelectionWalk { met, mut untracked, nested, dependencies, notes } = walk_tree(repository, names, &index);
    let mut paths = Arc::unwrap_or_clone(index);
    // The walk skips ignored files, but those that git tracks belong in the view.
    paths.retain(|place, path| met[place] || is_real_file(root, path));
    for folder in nested {
        add_nested(root, &folder, &mut untracked);
    }
    paths.append(&untracked);
    paths.sort();
    Selection { paths, dependencies, notes }
}

/// What the walk's filter finds; shared, because the walk owns the filter.
#[derive(Default)]
struct Noticed {
    nested: BTreeSet<PathBuf>,
    notes: Vec<String>,
}

fn walk_tree(repository: &Repository, names: &[String], index: &Arc<PathList>) -> SelectionWalk {
    let root = repository.root();
    let noticed = Arc::new(Mutex::new(Noticed::default()));
    let walk = walk(root, repository.git() != GitAccess::None)
        .filter_entry(filter(root, names, Arc::clone(index), Arc::clone(&noticed)))
        .build();
    let mut walked = SelectionWalk {
        met: vec![false; index.len()],
        untracked: PathList::default(),
        nested: BTreeSet::new(),
        dependencies: Vec::new(),
        notes: Vec::new(),
    };
    for entry in walk {
        match entry {
            Ok(entry) => walked.meet(root, names, index, &entry),
            Err(error) => walked.notes.push(format!("not in the view: {error}")),
        }
    }
    separate(&mut walked.dependencies);
    let Noticed { nested, notes } = std::mem::take(&mut *noticed.lock().unwrap_or_else(PoisonError::into_inner));
    walked.nested = nested;
    walked.notes.extend(notes);
    walked
}

/// Keeps each folder once, and none that lies inside another: through the outer one's link it would be created in the
/// user's own tree.
fn separate(dependencies: &mut Vec<DependencyFolder>) {
    dependencies.sort();
    dependencies.dedup_by(|next, kept| next.path.starts_with(&kept.path));
}

/// Filters the walk: nothing of git's, no dependencies, no folder whose ignore rules can't be trusted.
fn filter(
    root: &Path,
    names: &[String],
    index: Arc<PathList>,
    noticed: Arc<Mutex<Noticed>>,
) -> impl Fn(&ignore::DirEntry) -> bool + Send + Sync + 'static {
    let (root, names) = (root.to_owned(), names.to_vec());
    move |entry| {
        let name = entry.file_name();
        let Some(path) = file_state::relative(&root, entry.path()) else { return true };
        let noticed = || noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if name == ".git" {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            noticed().nested.extend(folder.map(Path::to_owned));
            return false;
        }
        // A configured name may have several components.
        if names.iter().any(|known| path.ends_with(known)) && entry.path().is_dir() && is_untracked(&index, &path) {
            return false;
        }
        let enter = may_enter(&root, entry);
        if !enter {
            let note = format!(
                "untracked files in {} are not in the view: its .gitignore is no ordinary file, or its .git none that is used",
                path.display()
            );
            noticed().notes.push(note);
        }
        enter
    }
}

impl SelectionWalk {
    fn meet(&mut self, root: &Path, names: &[String], index: &PathList, entry: &ignore::DirEntry) {
        let path = file_state::relative(root, entry.path()).unwrap_or_default();
        let bytes = path.as_os_str().as_encoded_bytes();
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            let candidates = names.iter().map(|name| path.join(name)).filter(|path| is_untracked(index, path));
            self.dependencies.extend(candidates.filter_map(|path| DependencyFolder::at(root, path)));
        } else if let Some(place) = index.find(bytes) {
            self.met[place] = true;
        } else {
            self.untracked.push(bytes, false);
        }
    }
}

/// Returns true when git tracks neither the path nor anything below it.
fn is_untracked(index: &PathList, path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    index.find(bytes).is_none() && !index.has_below(bytes)
}

/// Adds what a submodule or a nested repository tracks.
fn add_nested(root: &Path, folder: &Path, paths: &mut PathList) {
    let inner = GitDir::usable(&root.join(folder)).as_ref().and_then(tracked_paths).unwrap_or_default();
    let prefix = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
    let full = inner.iter().map(|path| [&prefix, path].concat());
    full.filter(|path| is_real_file(root, path)).for_each(|path| paths.push(&path, true));
}

/// Returns true when `path` is no folder, exists, and has no link among its parents.
fn is_real_file(root: &Path, path: &[u8]) -> bool {
    let path = file_state::as_path(path);
    let is_folder = |path: &Path| root.join(path).symlink_metadata().ok().map(|metadata| metadata.is_dir());
    let mut parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    is_folder(path) == Some(false) && parents.all(|parent| is_folder(parent) == Some(true))
}
