//! Lists files that affect tests and that the tree's id doesn't cover: ignored files, dependencies, packages outside of
//! the tree.
//!
//! Each is described by name, size, inode and times; none is opened. If there are too many, or listing takes too long,
//! the result is [`TooMuch`].

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Number of files listed in all places together.
const MOST: usize = 50_000;
/// Time limit, since tests wait for the listing even on a slow file system.
const LONGEST: Duration = Duration::from_secs(5);

/// Folders that no test depends on and that change whenever tests or a linter run.
const CACHES: [&str; 6] = [".mypy_cache", ".nyc_output", ".pytest_cache", ".ruff_cache", "__pycache__", "htmlcov"];
/// Folders in a Cargo profile that Cargo itself keeps up to date.
const OF_CARGO: [&str; 4] = [".fingerprint", "build", "deps", "incremental"];

/// Files listed so far.
pub(super) struct Unversioned<'a> {
    root: PathBuf,
    /// Paths that the tree's id covers, relative to the root, and their parents.
    versioned: HashSet<&'a Path>,
    text: String,
    left: usize,
    until: Instant,
    /// Device and inode of visited folders, since links may form a cycle.
    folders: HashSet<(u64, u64)>,
}

/// The limits were exceeded.
#[derive(Debug, PartialEq)]
pub(super) struct TooMuch;

impl<'a> Unversioned<'a> {
    /// Starts a listing for the repository at `root`, whose versioned files are `tree`.
    pub(super) fn new(root: &Path, tree: &'a HashSet<PathBuf>) -> Self {
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let versioned = tree.iter().flat_map(|path| path.ancestors()).chain([Path::new("")]).collect();
        let (text, folders) = (String::new(), HashSet::new());
        Self { root, versioned, text, left: MOST, until: Instant::now() + LONGEST, folders }
    }

    /// Returns text that is equal for the same files in the same state.
    pub(super) fn told(self) -> String {
        self.text
    }

    /// Lists everything below the root.
    pub(super) fn look_at_root(&mut self) -> Result<(), TooMuch> {
        let root = self.root.clone();
        self.look(&root)
    }

    /// Lists everything below `place`, and below folders outside of the root that links point to.
    pub(super) fn look(&mut self, place: &Path) -> Result<(), TooMuch> {
        let mut ahead = vec![place.to_owned()];
        while let Some(path) = ahead.pop() {
            let Ok(mut about) = fs::symlink_metadata(&path) else { continue };
            let inside = path.strip_prefix(&self.root);
            if !inside.is_ok_and(|inside| self.versioned.contains(inside)) {
                self.note(&path, &about)?;
                if about.is_symlink() {
                    let Some(target) = self.outside(&path) else { continue };
                    about = target;
                    self.note(&path, &about)?;
                }
            }
            if about.is_dir() && self.folders.insert((about.dev(), about.ino())) {
                let below = fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path());
                // At most as many as may still be listed, besides versioned ones.
                let below = below.take(self.left + self.versioned.len() + 1).filter(|path| !is_cache(path));
                let before = ahead.len();
                ahead.extend(below);
                ahead[before..].sort_unstable();
            }
        }
        Ok(())
    }

    /// Returns the metadata of a link's target if it is outside of the root.
    fn outside(&self, link: &Path) -> Option<Metadata> {
        let target = fs::canonicalize(link).ok()?;
        (!target.starts_with(&self.root)).then(|| fs::metadata(&target).ok()).flatten()
    }

    fn note(&mut self, path: &Path, about: &Metadata) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(1).filter(|_| Instant::now() < self.until).ok_or(TooMuch)?;
        // Writing to a String can't fail.
        let _ = write!(self.text, "{} {:o}", path.as_os_str().as_bytes().escape_ascii(), about.mode());
        if !about.is_dir() {
            let (written, changed) = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
            let _ = write!(self.text, " {} {} {written:?} {changed:?}", about.len(), about.ino());
        }
        self.text.push('\n');
        Ok(())
    }
}

fn is_cache(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let in_cargos = || path.ancestors().skip(2).take(2).any(|folder| folder.join(".rustc_info.json").exists());
    // Git's own work changes no file of the tree.
    name == ".git"
        || CACHES.contains(&name)
        || name == ".coverage"
        || name.starts_with(".coverage.")
        || (OF_CARGO.contains(&name) && in_cargos())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        fs::create_dir_all(root.join(path).parent().expect("a folder around it")).expect("a folder");
        fs::write(root.join(path), text).expect("a file");
    }

    fn told(root: &Path, tree: &[&str]) -> String {
        let tree = tree.iter().map(PathBuf::from).collect();
        let mut seen = Unversioned::new(root, &tree);
        seen.look_at_root().expect("few files");
        seen.told()
    }

    #[test]
    fn a_file_that_git_ignores_is_seen_and_one_of_the_tree_is_not() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "src/a.py", "1");
        let mut last = told(root.path(), &["src/a.py"]);
        assert_eq!(last, "");
        for (path, text) in [
            ("local.json", "{}"),
            ("local.json", "[]"),
            ("src/deep/er/local.json", ""),
            ("build/out.txt", "1"),
            ("target/out.txt", "1"),
            (".cache/x", ""),
        ] {
            write(root.path(), path, text);
            let now = told(root.path(), &["src/a.py"]);
            assert_ne!(now, last, "{path}");
            last = now;
        }
        write(root.path(), "src/a.py", "22");
        assert_eq!(told(root.path(), &["src/a.py"]), last);
        fs::remove_file(root.path().join("local.json")).expect("it is there");
        assert_ne!(told(root.path(), &["src/a.py"]), last);
    }

    #[test]
    fn caches_change_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        write(root.path(), "target/.rustc_info.json", "");
        write(root.path(), "target/debug/kcode.d", "");
        let before = told(root.path(), &[]);
        for path in [
            "src/__pycache__/a.pyc",
            ".pytest_cache/v/cache/lastfailed",
            ".coverage",
            ".coverage.host.1",
            ".git/index",
            "target/debug/deps/a.rlib",
            "target/debug/incremental/a/b",
        ] {
            write(root.path(), path, "1");
            let seen = told(root.path(), &["src/a"]);
            assert_eq!(seen, before, "{path}");
        }
        write(root.path(), "build/deps/a", "1");
        assert_ne!(told(root.path(), &["src/a"]), before, "no folder of Cargo's");
    }

    #[test]
    fn links_are_followed_out_of_the_tree_and_not_in_circles() {
        let (root, out) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        write(out.path(), "dep/index.js", "1");
        symlink(out.path(), out.path().join("again")).expect("a link");
        symlink(out.path(), root.path().join("node_modules")).expect("a link");
        symlink(root.path(), root.path().join("self")).expect("a link");
        let before = told(root.path(), &[]);
        write(out.path(), "dep/index.js", "2");
        assert_ne!(told(root.path(), &[]), before);
        assert_eq!(before.matches("index.js").count(), 1, "{before}");
    }

    #[test]
    fn of_more_files_than_are_looked_at_nothing_is_known() {
        let root = tempfile::tempdir().expect("a folder");
        (0..3).for_each(|number| write(root.path(), &number.to_string(), ""));
        let tree = HashSet::new();
        let mut seen = Unversioned { left: 3, ..Unversioned::new(root.path(), &tree) };
        assert_eq!(seen.look_at_root(), Ok(()));
        let mut seen = Unversioned { left: 2, ..Unversioned::new(root.path(), &tree) };
        assert_eq!(seen.look_at_root(), Err(TooMuch));
        let mut late = Unversioned { until: Instant::now(), ..Unversioned::new(root.path(), &tree) };
        assert_eq!(late.look_at_root(), Err(TooMuch));
    }
}
