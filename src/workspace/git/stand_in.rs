//! The folder that git gets in place of a repository's own: links to its objects and refs, and settings that kcode
//! writes.
//!
//! Git reads settings, hooks and rules only from there. So nothing in the repository's settings, whatever they include
//! and however they are spelt, affects the git that kcode runs; filters, drivers and programs that they name don't
//! exist for it.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::dir::GitDir;
use super::facts::line;
use super::folder::GitFolder;
use super::plain::{self, TEXT};
use super::users;

/// No hooks, monitors or helpers, and no pack windows larger than the memory limit.
pub(super) const SETTINGS: &str = "[core]\n\tbare = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tuntrackedCache = false\n\tsplitIndex = false\n\tpager = cat\n\
    \tcommitGraph = false\n\tsafecrlf = false\n\tpackedGitWindowSize = 32m\n\tpackedGitLimit = 512m\n\
    [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[protocol]\n\tallow = never\n[submodule]\n\trecurse = false\n\
    [diff]\n\tignoreSubmodules = all\n[advice]\n\taddEmbeddedRepo = false\n";
/// Entries of a repository that all its work trees share.
const SHARED: [&str; 6] = ["objects", "refs", "packed-refs", "logs", "shallow", "reftable"];
/// Those that git needs when it reads no refs.
const OF_FILES: [&str; 2] = ["objects", "shallow"];
/// Copied instead of linked: small, and opened once.
const COPIED: [&str; 2] = ["info/exclude", "info/attributes"];
const SPARSE: &str = "info/sparse-checkout";
/// A HEAD without a commit.
const UNBORN: &str = "ref: refs/heads/none";

/// Removed when the value is dropped.
#[derive(Debug)]
pub(in crate::workspace) struct StandIn(GitFolder);

impl StandIn {
    /// Stands in for the common folder of `dir`, refs included.
    pub(super) fn of_refs(dir: &GitDir) -> io::Result<Self> {
        let made = Self::empty(&dir.root)?;
        made.link(dir, &SHARED)?;
        made.write_settings(Some(dir), &["objectformat", "refstorage"])?;
        Ok(made)
    }

    /// Stands in for all of git's folders of `dir`, for commands on objects, index and files. Git sees nothing else of
    /// the repository (state of a merge, a rebase, a bisection). `head` is the commit of HEAD, where that matters.
    pub(super) fn of_files(dir: &GitDir, head: Option<&str>) -> io::Result<Self> {
        let made = Self::empty(&dir.root)?;
        made.link(dir, &OF_FILES)?;
        made.copy(&dir.own, SPARSE)?;
        fs::create_dir(made.path().join("refs"))?;
        fs::write(made.path().join("HEAD"), format!("{}\n", head.unwrap_or(UNBORN)))?;
        for file in dir.index_files()? {
            if let Some(name) = file.file_name() {
                symlink(&file, made.path().join(name))?;
            }
        }
        made.write_settings(Some(dir), &["objectformat"])?;
        Ok(made)
    }

    fn link(&self, dir: &GitDir, names: &[&str]) -> io::Result<()> {
        for name in names {
            let target = dir.common.join(name);
            if target.symlink_metadata().is_ok() || *name == "packed-refs" {
                symlink(target, self.path().join(name))?;
            }
        }
        COPIED.iter().try_for_each(|name| self.copy(&dir.common, name))
    }

    /// An unreadable file counts as without rules.
    fn copy(&self, from: &Path, name: &str) -> io::Result<()> {
        match plain::read(&from.join(name), TEXT) {
            Ok(Some(text)) => fs::write(self.path().join(name), text),
            _ => Ok(()),
        }
    }

    /// Stands in for a folder without git; new objects go to `objects`.
    pub(super) fn without_git(root: &Path, objects: &Path) -> io::Result<Self> {
        let made = Self::empty(root)?;
        symlink(objects, made.path().join("objects"))?;
        fs::create_dir(made.path().join("refs"))?;
        fs::write(made.path().join("HEAD"), format!("{UNBORN}\n"))?;
        made.write_settings(None, &[])?;
        Ok(made)
    }

    /// Contains no repository.
    pub(super) fn bare_home(root: &Path) -> io::Result<Self> {
        Self::empty(root)
    }

    fn empty(root: &Path) -> io::Result<Self> {
        let made = GitFolder::make(root)?;
        fs::create_dir(made.path().join("info"))?;
        Ok(Self(made))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    fn write_settings(&self, dir: Option<&GitDir>, extensions: &[&str]) -> io::Result<()> {
        let mut text = SETTINGS.to_owned();
        let extensions =
            dir.into_iter().flat_map(|dir| extensions.iter().map(|name| Some((*name, dir.facts.extension(name)?))));
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

/// Formats a setting whose value is a path, which need not be UTF-8.
fn quoted(name: &str, file: &Path) -> Vec<u8> {
    let escaped = file.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'\n' => b"\\n".to_vec(),
        byte => vec![*byte],
    });
    [format!("[core]\n\t{name} = \"").into_bytes(), escaped.collect(), b"\"\n".to_vec()].concat()
}
