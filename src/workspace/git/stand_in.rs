//! The folder that git is given in the place of a repository's own: its objects and refs by links, and settings that kcode writes.
//!
//! Git reads settings, hooks and lists of rules from there alone. So nothing that the repository's settings say, whatever includes
//! them and however they are spelt, means anything to the git that kcode runs; a filter, driver or program that they name isn't known.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::dir::GitDir;
use super::facts::line;
use super::plain::{self, TEXT};
use super::users;

/// What git does and doesn't: no hooks, no monitors, no helpers, no windows larger than the memory that it may take.
const SETTINGS: &str = "[core]\n\tbare = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tuntrackedCache = false\n\tpager = cat\n\
    \tcommitGraph = false\n\tsafecrlf = false\n\tpackedGitWindowSize = 32m\n\tpackedGitLimit = 512m\n\
    [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[protocol]\n\tallow = never\n[submodule]\n\trecurse = false\n\
    [diff]\n\tignoreSubmodules = all\n[advice]\n\taddEmbeddedRepo = false\n";
/// What a repository's folders have that all its work trees share.
const SHARED: [&str; 6] = ["objects", "refs", "packed-refs", "logs", "shallow", "reftable"];
/// What is copied: small, and opened once.
const COPIED: [&str; 2] = ["info/exclude", "info/attributes"];

/// The folder; gone with the value.
#[derive(Debug)]
pub(in crate::workspace) struct StandIn(TempDir);

impl StandIn {
    /// For the repository that `dir` belongs to.
    pub(super) fn of(dir: &GitDir) -> io::Result<Self> {
        let made = Self::empty(&dir.root)?;
        for name in SHARED {
            let target = dir.common.join(name);
            if target.symlink_metadata().is_ok() || name == "packed-refs" {
                symlink(target, made.path().join(name))?;
            }
        }
        for name in COPIED {
            // One that can't be read has no rules.
            if let Ok(Some(text)) = plain::read(&dir.common.join(name), TEXT) {
                fs::write(made.path().join(name), text)?;
            }
        }
        made.write_settings(Some(dir))?;
        Ok(made)
    }

    /// For a folder without git, whose objects are to be in `objects`.
    pub(super) fn without_git(root: &Path, objects: &Path) -> io::Result<Self> {
        let made = Self::empty(root)?;
        symlink(objects, made.path().join("objects"))?;
        fs::create_dir(made.path().join("refs"))?;
        made.write_settings(None)?;
        Ok(made)
    }

    /// With no repository in it.
    pub(super) fn bare_home(root: &Path) -> io::Result<Self> {
        Self::empty(root)
    }

    fn empty(root: &Path) -> io::Result<Self> {
        let place = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| PathBuf::from("/tmp"));
        // Nothing is written to a tree, wherever the user keeps what is temporary.
        let place = if place.starts_with(root) { PathBuf::from("/tmp") } else { place };
        let made = tempfile::Builder::new().prefix("kcode-git-").tempdir_in(place)?;
        DirBuilder::new().mode(0o700).create(made.path().join("info"))?;
        Ok(Self(made))
    }

    /// A HEAD of its own, for those who open it as a whole repository.
    pub(super) fn with_head(self, target: &str) -> io::Result<Self> {
        fs::write(self.path().join("HEAD"), format!("{target}\n"))?;
        Ok(self)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    fn write_settings(&self, dir: Option<&GitDir>) -> io::Result<()> {
        let mut text = SETTINGS.to_owned();
        let extensions = dir
            .into_iter()
            .flat_map(|dir| ["objectformat", "refstorage"].map(|name| Some((name, dir.facts.extension(name)?))));
        let extensions: String =
            extensions.flatten().map(|(name, value)| line(&format!("extensions.{name}"), value)).collect();
        let version = if extensions.is_empty() { "0" } else { "1" };
        text += &line("core.repositoryformatversion", version);
        text += &extensions;
        text += &users::conversions();
        if let Some(dir) = dir {
            text += &dir.facts.passed_on();
        }
        let mut bytes = text.into_bytes();
        for (name, file) in users::rules() {
            bytes.extend(quoted(name, &file));
        }
        fs::write(self.path().join("config"), bytes)
    }
}

/// A setting whose value is a path, which need not be UTF-8.
fn quoted(name: &str, file: &Path) -> Vec<u8> {
    let escaped = file.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'\n' => b"\\n".to_vec(),
        byte => vec![*byte],
    });
    [format!("[core]\n\t{name} = \"").into_bytes(), escaped.collect(), b"\"\n".to_vec()].concat()
}
