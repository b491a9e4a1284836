//! Finds what the manifests of a repository name outside of it: libraries beside it that its tests need.
//!
//! Naming a path shows nothing: a repository that names `../../.ssh` gains nothing. Paths are only found here, so that
//! the user can be asked, or told which flag shows them.
//!
//! | File | What it holds |
//! |---|---|
//! | `manifests` | which files are manifests, and the syntax of each |
//! | `syntax` | parses the paths out of a manifest |
//! | `installed` | links and records of package managers: `node_modules`, Python's environments |
//! | `project` | which project a folder belongs to |
//!
//! Reads are bounded in number and size, and go through the checks of all repository files. Of the rest of the machine
//! only names are looked up, near the repository and the home folder.

mod installed;
mod manifests;
mod project;
mod syntax;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Outline, Repository};
use crate::settings::{RepositoryFiles, SecretFiles, without_dots};

/// Maximum number of manifests that are read.
const MOST_MANIFESTS: usize = 300;
/// Maximum bytes of a manifest.
const MOST_BYTES: u64 = 512 * 1024;
/// Maximum number of paths found.
const MOST: usize = 40;
/// Maximum number of names read from a folder.
const MOST_NAMES: usize = 500;

/// A folder or a file outside of a repository that the repository names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// As reached from the repository: absolute, without `..`.
    pub path: PathBuf,
    /// Canonical path.
    pub real: PathBuf,
    /// Path of the file that names it.
    pub named_by: String,
    /// The named folder itself, when `real` is the project around it.
    inner: PathBuf,
}

impl Repository {
    /// Existing paths outside that the repository's manifests name; `outline` tells which manifests there are.
    #[must_use]
    pub fn outside(&self, outline: &Outline) -> Vec<Outside> {
        let root = self.root();
        let Ok(files) = RepositoryFiles::open(root) else { return Vec::new() };
        let mut search = OutsideSearch::around(root);
        let folder = self.focus().map(ToString::to_string).unwrap_or_default();
        let here = ["", &folder].into_iter().flat_map(|folder| manifests_in(&files, folder));
        let mut named: Vec<String> =
            here.chain(outline.paths().filter(|path| manifests::is_one(path)).map(str::to_owned)).collect();
        // Those near the root first.
        named.sort_by_cached_key(|path| (path.matches('/').count(), path.clone()));
        named.dedup();
        named.truncate(MOST_MANIFESTS);
        for path in &named {
            search.read(&files, path);
        }
        installed::look(&mut search, &files, &named);
        search.into_found()
    }
}

impl Outside {
    /// Paths that the manifests of this folder name in turn, outside of it and of the repository at `root`.
    #[must_use]
    pub fn further(&self, root: &Path) -> Vec<Self> {
        let Ok(files) = RepositoryFiles::open(&self.inner) else { return Vec::new() };
        let mut search =
            OutsideSearch { folder: &self.inner, known: vec![self.real.clone()], ..OutsideSearch::around(root) };
        for path in manifests_in(&files, "") {
            search.read(&files, &path);
        }
        search.into_found()
    }
}

/// The manifests directly in a folder.
fn manifests_in(files: &RepositoryFiles, folder: &str) -> Vec<String> {
    let at = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let place = if folder.is_empty() { "." } else { folder };
    let names = files.names(place, MOST_NAMES).into_iter().map(|name| at(&name));
    names.chain(manifests::DEEPER.iter().map(|name| at(name))).filter(|path| manifests::is_one(path)).collect()
}

/// A search for paths outside of a repository.
struct OutsideSearch<'a> {
    root: &'a Path,
    /// Folder that manifest paths are relative to.
    folder: &'a Path,
    /// Nothing in these folders counts as outside.
    known: Vec<PathBuf>,
    /// First components of paths that may be looked up: those of the repository and of the home folder.
    near: Vec<PathBuf>,
    home: Option<PathBuf>,
    secrets: Option<SecretFiles>,
    /// By `real`.
    found: BTreeMap<PathBuf, Outside>,
}

impl<'a> OutsideSearch<'a> {
    fn around(root: &'a Path) -> Self {
        let home = std::env::home_dir();
        let first = |path: &Path| path.components().take(2).collect::<PathBuf>();
        let near = [Some(root), home.as_deref()].into_iter().flatten().map(first).collect();
        let secrets = SecretFiles::new(&[]).ok();
        Self { root, folder: root, known: Vec::new(), near, home, secrets, found: BTreeMap::new() }
    }

    /// Adds what a manifest names.
    fn read(&mut self, files: &RepositoryFiles, path: &str) {
        let Some(manifest) = files.read(path, MOST_BYTES).filter(|text| !text.is_cut()) else { return };
        let base = manifests::base(path);
        for reference in manifests::references(path, &manifest.text()) {
            self.add(base, &reference, path);
        }
    }

    /// Adds what `reference`, written in the folder `base`, resolves to, if it exists and is outside.
    fn add(&mut self, base: &str, reference: &str, named_by: &str) {
        let reference = match (reference.strip_prefix("~/"), &self.home) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(reference),
        };
        let place = self.folder.join(base).join(fixed_part(&reference));
        let plain = without_dots(&place);
        // Elsewhere, merely looking up a name may mount a file system of another machine.
        if self.found.len() >= MOST || !self.near.iter().any(|near| plain.starts_with(near)) {
            return;
        }
        let Ok(real) = fs::canonicalize(&place) else { return };
        if real.starts_with(self.root) || self.known.iter().any(|known| real.starts_with(known)) {
            return;
        }
        let is_secret = |path: &Path| self.secrets.as_ref().is_none_or(|secrets| secrets.what(path).is_some());
        if real.is_file() && real.file_name().is_some_and(|name| is_secret(Path::new(name))) {
            return;
        }
        let leads_there = |path: &Path, real: &Path| {
            !path.starts_with(self.root) && fs::canonicalize(path).is_ok_and(|it| it == real)
        };
        let whole = project::around(&real, self.root, self.home.as_deref());
        let above = real.components().count() - whole.components().count();
        let path = plain.ancestors().nth(above).filter(|path| leads_there(path, &whole)).unwrap_or(&whole).to_owned();
        let outside = Outside { path, real: whole.clone(), named_by: named_by.to_owned(), inner: real };
        self.found.entry(whole).or_insert(outside);
    }

    /// The results, without those inside another.
    fn into_found(self) -> Vec<Outside> {
        let mut all: Vec<Outside> = Vec::new();
        for outside in self.found.into_values() {
            let is_in =
                |other: &Outside| outside.real.starts_with(&other.real) && outside.path.starts_with(&other.path);
            if !all.iter().any(is_in) {
                all.push(outside);
            }
        }
        all
    }
}

/// The components before the first pattern or variable.
fn fixed_part(reference: &Path) -> PathBuf {
    let is_open =
        |part: &Component<'_>| part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[{$<".contains(byte));
    reference.components().take_while(|part| !is_open(part)).collect()
}

#[cfg(test)]
mod tests;
