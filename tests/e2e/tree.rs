//! A tree as it stands: names, kinds, modes, times and contents, `.git` included.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

#[derive(Debug)]
pub struct Tree(BTreeMap<PathBuf, String>);

impl Tree {
    pub fn of(root: &Path) -> Self {
        let mut tree = Self(BTreeMap::new());
        tree.add(root);
        tree
    }

    fn add(&mut self, path: &Path) {
        let meta = fs::symlink_metadata(path).unwrap();
        let content = if meta.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.add(&entry.unwrap().path());
            }
            "folder".to_owned()
        } else if meta.is_symlink() {
            format!("{:x}", Sha256::digest(fs::read_link(path).unwrap().as_os_str().as_bytes()))
        } else if meta.is_file() {
            format!("{:x}", Sha256::digest(fs::read(path).unwrap()))
        } else {
            "a pipe, a socket or a device".to_owned()
        };
        // The time also shows a file that came and went: its folder changed.
        let seen = format!("{:o} {}.{:09} {content}", meta.mode(), meta.mtime(), meta.mtime_nsec());
        self.0.insert(path.to_owned(), seen);
    }

    pub fn assert_same(&self, now: &Self) {
        let paths = self.0.keys().chain(now.0.keys());
        let differing: Vec<_> = paths.filter(|path| self.0.get(*path) != now.0.get(*path)).collect();
        assert!(differing.is_empty(), "the tree changed at {differing:?}");
    }
}
