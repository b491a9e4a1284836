//! The folder that git is given in the place of a repository's own: its objects and refs by links, and settings that kcode writes.
//!
//! Git reads settings, hooks and lists of rules from there alone. So nothing that the repository's settings say, whatever includes
//! them and however they are spelt, means anything to the git that kcode runs; a filter, driver or program that they name isn't known.

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

/// What git does and doesn't: no hooks, no monitors, no helpers, no windows larger than the memory that it may take.
const SETTINGS: &str = "[core]\n\tbare = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tuntrackedCache = false\n\tsplitIndex = false\n\tpager = cat\n\
    \tcommitGraph = false\n\tsafecrlf = false\n\tpackedGitWindowSize = 32m\n\tpackedGitLimit = 512m\n\
    [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[protocol]\n\tallow = never\n[submodule]\n\trecurse = false\n\
    [diff]\n\tignoreSubmodules = all\n[advice]\n\taddEmbeddedRepo = false\n";
/// What a repository's folders have that all its work trees share.
const SHARED: [&str; 6] = ["objects", "refs", "packed-refs", "logs", "shallow", "reftable"];
/// What of that a git needs that looks at no refs.
const OF_FILES: [&str; 2] = ["objects", "shallow"];
/// What is copied: small, and opened once.
const COPIED: [&str; 2] = ["info/exclude", "info/attributes"];
const SPARSE: &str = "info/sparse-checkout";
/// A HEAD that names nothing yet.
const UNBORN: &str = "ref: refs/heads/none";

/// The folder; gone with the value.
#[derive(Debug)]
pub(in crate::workspace) struct StandIn(GitFolder);

impl StandIn {
    /// For the common folder of the repository that `dir` belongs to: its refs are there.
    pub(super) fn of_refs(dir: &GitDir) -> io::Result<Self> {
        let made = Self::empty(&dir.root)?;
        made.link(dir, &SHARED)?;
        made.write_settings(Some(dir), &["objectformat", "refstorage"])?;
        Ok(made)
    }

    /// For all of its folders, for whoever looks at objects, index and files alone. Of whatever else lies there (marks of a merge, of a
    /// rebase, of a bisection) git sees nothing. `head` is the commit that HEAD names, where that matters.
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

    /// One that can't be read has no rules.
    fn copy(&self, from: &Path, name: &str) -> io::Result<()> {
        match plain::read(&from.join(name), TEXT) {
            Ok(Some(text)) => fs::write(self.path().join(name), text),
            _ => Ok(()),
        }
    }

    /// For a folder without git, whose objects are to be in `objects`.
    pub(super) fn without_git(root: &Path, objects: &Path) -> io::Result<Self> {
        let made = Self::empty(root)?;
        symlink(objects, made.path().join("objects"))?;
        fs::create_dir(made.path().join("refs"))?;
        fs::write(made.path().join("HEAD"), format!("{UNBORN}\n"))?;
        made.write_settings(None, &[])?;
        Ok(made)
    }

    /// With no repository in it.
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

/// A setting whose value is a path, which need not be UTF-8.
fn quoted(name: &str, file: &Path) -> Vec<u8> {
    let escaped = file.as_os_str().as_bytes().iter().flat_map(|byte| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'\n' => b"\\n".to_vec(),
        byte => vec![*byte],
    });
    [format!("[core]\n\t{name} = \"").into_bytes(), escaped.collect(), b"\"\n".to_vec()].concat()
}
