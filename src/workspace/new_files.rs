//! Finds files of the view that weren't there at its start.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::by_products::{is_by_product, is_by_product_folder};
use super::file_state::{self, is_git_name};
use super::patch::LeftOutReason;
use super::scan::ViewDiff;
use super::walk::{may_enter, walk};
use super::work_limit::{Effort, Enough, MAX_DEPTH, MAX_PATH};

/// Result of a walk through the view.
#[derive(Debug, Default)]
pub(super) struct NewFiles {
    /// New files that are neither ignored nor by-products.
    pub(super) files: BTreeSet<PathBuf>,
    /// Folders that weren't searched.
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
}

pub(super) fn new_files(scene: &ViewDiff, effort: &mut Effort<'_>) -> Result<NewFiles, Enough> {
    let root = &scene.view_root;
    let unsearched: Arc<Mutex<BTreeMap<PathBuf, LeftOutReason>>> = Arc::default();
    let gate = WalkFilter {
        root: root.clone(),
        dependencies: scene.dependencies.clone(),
        unsearched: Arc::clone(&unsearched),
    };
    let mut found = NewFiles::default();
    let entries = walk(root, false).max_depth(Some(MAX_DEPTH + 1)).filter_entry(move |entry| gate.lets(entry)).build();
    for entry in entries {
        effort.go_on()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let folder = place(&error).and_then(|path| file_state::relative(root, path));
                found.left_out.insert(folder.unwrap_or_else(|| ".".into()), LeftOutReason::Unreadable);
                continue;
            }
        };
        let Some(path) = file_state::relative(root, entry.path()) else { continue };
        effort.entry(path.as_os_str().len())?;
        let counts = entry.file_type().is_some_and(|kind| !kind.is_dir())
            && scene.manifest.paths.find(path.as_os_str().as_bytes()).is_none()
            && !is_by_product(|path| root.join(path).exists(), &path)
            && !scene.exclude.matched_path_or_any_parents(entry.path(), false).is_ignore();
        if counts {
            found.files.insert(path);
        }
    }
    found.left_out.append(&mut unsearched.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(found)
}

/// Decides which entries the walk visits.
struct WalkFilter {
    root: PathBuf,
    dependencies: Vec<PathBuf>,
    unsearched: Arc<Mutex<BTreeMap<PathBuf, LeftOutReason>>>,
}

impl WalkFilter {
    fn lets(&self, entry: &ignore::DirEntry) -> bool {
        let Some(path) = file_state::relative(&self.root, entry.path()) else { return true };
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if is_git_name(entry.file_name().as_ref()) || self.dependencies.contains(&path) {
            return false;
        }
        if !is_folder {
            return true;
        }
        if is_by_product_folder(|path| self.root.join(path).exists(), &path) {
            return false;
        }
        let reason = if entry.depth() > MAX_DEPTH || path.as_os_str().len() > MAX_PATH {
            LeftOutReason::TooDeep
        } else if !may_enter(&self.root, entry) {
            LeftOutReason::IgnoreRules
        } else {
            return true;
        };
        self.unsearched.lock().unwrap_or_else(PoisonError::into_inner).insert(path, reason);
        false
    }
}

/// The path that a walk error is about.
fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place(err),
        _ => None,
    }
}
