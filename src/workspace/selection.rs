//! Which files of the user's tree the view gets: tracked ones as they stand on disk, and untracked
//! ones that are not ignored, those of submodules and nested repositories included.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::dependencies::DependencyFolder;
use super::outline::{tracked_paths, walk};
use super::paths::PathList;
use super::{GitAccess, Repository, file_state};

/// What is to be copied, and what is to be linked.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Files, links and whatever else isn't a folder; sorted.
    pub(super) paths: PathList,
    /// The tracked ones among them and some that are gone; sorted.
    pub(super) tracked: PathList,
    /// Dependency folders that aren't tracked.
    pub(super) dependencies: Vec<DependencyFolder>,
    /// What couldn't be seen, a sentence each.
    pub(super) notes: Vec<String>,
}

/// What the walk's filter sees on the way.
#[derive(Default)]
struct Seen {
    nested: BTreeSet<PathBuf>,
}

/// Looks through the user's tree. `names` are the dependency folders of the settings.
pub(super) fn select(repository: &Repository, names: &[String]) -> Selection {
    let root = repository.root();
    let mut tracked = tracked_paths(root, repository.git()).unwrap_or_default();
    tracked.sort();
    let tracked = Arc::new(tracked);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut selection = Selection::default();
    walk_tree(root, names, &tracked, &seen, &mut selection);
    let mut tracked = Arc::unwrap_or_clone(tracked);
    let nested = std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner).nested);
    for folder in nested {
        add_nested(root, &folder, &mut tracked);
    }
    tracked.sort();
    selection.paths.sort();
    add_ignored_but_tracked(root, &tracked, &mut selection.paths);
    selection.tracked = tracked;
    selection
}

fn walk_tree(
    root: &Path,
    names: &[String],
    tracked: &Arc<PathList>,
    seen: &Arc<Mutex<Seen>>,
    selection: &mut Selection,
) {
    let filter = {
        let (root, names) = (root.to_owned(), names.to_vec());
        let (tracked, seen) = (Arc::clone(tracked), Arc::clone(seen));
        move |entry: &ignore::DirEntry| {
            let name = entry.file_name();
            let Some(path) = file_state::relative(&root, entry.path()) else { return true };
            if name == ".git" {
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).nested.insert(folder.to_owned());
                }
                return false;
            }
            !(names.iter().any(|known| name == known.as_str())
                && entry.path().is_dir()
                && is_untracked(&tracked, &path))
        }
    };
    for entry in walk(root).filter_entry(filter).build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                selection.notes.push(format!("not in the view: {error}"));
                continue;
            }
        };
        let path = file_state::relative(root, entry.path()).unwrap_or_default();
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            let candidates = names.iter().map(|name| path.join(name)).filter(|path| is_untracked(tracked, path));
            selection.dependencies.extend(candidates.filter_map(|path| DependencyFolder::at(root, path)));
        } else {
            selection.paths.push(path.as_os_str().as_encoded_bytes());
        }
    }
    selection.dependencies.sort();
}

/// Whether git tracks neither the path nor anything below it.
fn is_untracked(tracked: &PathList, path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    tracked.find(bytes).is_none() && !tracked.has_below(bytes)
}

/// The index of a submodule or another repository inside this one.
fn add_nested(root: &Path, folder: &Path, tracked: &mut PathList) {
    let inner = tracked_paths(&root.join(folder), GitAccess::Library).unwrap_or_default();
    let prefix = [folder.as_os_str().as_encoded_bytes(), b"/"].concat();
    inner.iter().for_each(|path| tracked.push(&[&prefix, path].concat()));
}

/// The walk leaves ignored files out; git keeps those that are tracked.
fn add_ignored_but_tracked(root: &Path, tracked: &PathList, paths: &mut PathList) {
    let missed: Vec<&[u8]> = tracked.iter().filter(|path| paths.find(path).is_none()).collect();
    for path in missed {
        let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir());
        let mut parents = file_state::as_path(path).ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        let real = parents.all(|parent| root.join(parent).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()));
        if real && is_file(&root.join(file_state::as_path(path))) {
            paths.push(path);
        }
    }
    paths.sort();
}
