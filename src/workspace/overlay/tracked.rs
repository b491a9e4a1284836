//! The paths that git tracks, read from the index on first use.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::workspace::{Repository, git::GitDir, outline::tracked_paths, paths::PathList};

/// The index of a repository and those of its nested repositories.
pub(super) struct Tracked {
    root: PathBuf,
    git: Option<GitDir>,
    main: OnceLock<PathList>,
    nested: Mutex<HashMap<PathBuf, Arc<PathList>>>,
}

impl Tracked {
    pub(super) fn of(repository: &Repository) -> Self {
        let (root, git) = (repository.root().to_owned(), repository.git_dir().cloned());
        Self { root, git, main: OnceLock::new(), nested: Mutex::default() }
    }

    /// Paths that the repository itself tracks; sorted.
    pub(super) fn main(&self) -> &PathList {
        self.main.get_or_init(|| sorted(self.git.as_ref()))
    }

    /// Paths that the nested repository at `path` tracks; sorted.
    pub(super) fn nested(&self, path: &Path) -> Arc<PathList> {
        let mut nested = self.nested.lock().unwrap_or_else(PoisonError::into_inner);
        let list = nested
            .entry(path.to_owned())
            .or_insert_with(|| Arc::new(sorted(GitDir::usable(&self.root.join(path)).as_ref())));
        Arc::clone(list)
    }
}

fn sorted(git: Option<&GitDir>) -> PathList {
    let mut paths = git.and_then(tracked_paths).unwrap_or_default();
    paths.sort();
    paths
}
