//! Files of the view that weren't there at its start.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::by_products::{is_by_product, is_by_product_folder};
use super::file_state::{self, is_of_git};
use super::scan::Scene;
use super::walk::{may_enter, walk};

/// What a walk through the view finds.
#[derive(Debug, Default)]
pub(super) struct NewFiles {
    /// Neither ignored nor by-products.
    pub(super) files: BTreeSet<PathBuf>,
    /// Folders that weren't entered, because their `.gitignore` can't be trusted.
    pub(super) not_entered: BTreeSet<PathBuf>,
}

/// Finds them.
pub(super) fn new_files(scene: &Scene) -> NewFiles {
    let not_entered = Arc::new(Mutex::new(BTreeSet::new()));
    let filter = {
        let (root, dependencies) = (scene.view_root.clone(), scene.dependencies.clone());
        let not_entered = Arc::clone(&not_entered);
        move |entry: &ignore::DirEntry| {
            let Some(path) = file_state::relative(&root, entry.path()) else { return true };
            let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if is_of_git(&path)
                || dependencies.contains(&path)
                || folder && is_by_product_folder(|path| root.join(path).exists(), &path)
            {
                return false;
            }
            let enter = may_enter(&root, entry);
            if !enter {
                not_entered.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
            }
            enter
        }
    };
    let walked = walk(&scene.view_root, false).filter_entry(filter).build().flatten();
    let files = walked
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .filter_map(|entry| file_state::relative(&scene.view_root, entry.path()))
        .filter(|path| scene.manifest.paths.find(path.as_os_str().as_bytes()).is_none())
        .filter(|path| !is_by_product(|path| scene.view_root.join(path).exists(), path) && !is_excluded(scene, path))
        .collect();
    let not_entered = std::mem::take(&mut *not_entered.lock().unwrap_or_else(PoisonError::into_inner));
    NewFiles { files, not_entered }
}

fn is_excluded(scene: &Scene, path: &Path) -> bool {
    scene.exclude.matched_path_or_any_parents(scene.view_root.join(path), false).is_ignore()
}
