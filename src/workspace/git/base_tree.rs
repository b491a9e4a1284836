//! Files of a commit that somebody trusts more than the tree: what says how to work on it is read from there.

use std::fs;
use std::io;
use std::path::Path;

use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

use super::folder::GitFolder;
use super::{GitDir, History};
use crate::journal::RelPath;

/// Bytes of a file; no manifest that is read is larger.
const MAX_BYTES: usize = 512 * 1024;
/// Files and bytes in all.
const MAX_FILES: usize = 5_000;
const MAX_TOTAL: usize = 64 << 20;
/// Folders below the root, or below a folder on the way to the user's, whose files are taken whatever their names.
const DEPTH: usize = 2;
/// Files of deeper folders that tell what kind of project a folder holds.
const MANIFESTS: [&str; 18] = [
    "AGENTS.md",
    "Cargo.toml",
    "Gemfile",
    "Makefile",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "deno.json",
    "go.mod",
    "justfile",
    "mix.exs",
    "package.json",
    "phpunit.xml",
    "pom.xml",
    "pyproject.toml",
    "pytest.ini",
    "setup.py",
    "tox.ini",
];

/// A folder with those files of a commit that say how to work on the tree: guidance, settings, manifests.
#[derive(Debug)]
pub struct BaseTree {
    folder: GitFolder,
    commit: String,
}

impl BaseTree {
    /// Reads `reference`, a name that git resolves to a commit.
    ///
    /// # Errors
    /// In words: when there is no git here, no such commit, or it can't be read.
    pub fn of(root: &Path, focus: Option<&RelPath>, reference: &str) -> Result<Self, String> {
        let root = fs::canonicalize(root).map_err(|error| error.to_string())?;
        let dir = GitDir::usable(&root).ok_or("there is no git repository here")?;
        let commit = format!("{reference}^{{commit}}");
        let commit = dir.line(["rev-parse", "--verify", "--end-of-options", &*commit]);
        let commit = commit.and_then(|id| String::from_utf8(id).ok()).ok_or("git knows no such commit here")?;
        let history = History::of(&root).ok_or("this format of git is not supported here")?;
        let folder = GitFolder::make(&root).map_err(|error| error.to_string())?;
        let id = git2::Oid::from_str(&commit).map_err(|error| error.message().to_owned())?;
        let tree = history.find_commit(id).and_then(|commit| commit.tree());
        let tree = tree.map_err(|error| error.message().to_owned())?;
        let writer = BaseFiles { history: &history, target: folder.path(), focus: focus.map(RelPath::as_path) };
        writer.write(&tree)?;
        Ok(Self { folder, commit })
    }

    /// The folder with the files.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The commit's full hash.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }
}

struct BaseFiles<'a> {
    history: &'a History,
    target: &'a Path,
    focus: Option<&'a Path>,
}

impl BaseFiles<'_> {
    fn write(&self, tree: &git2::Tree<'_>) -> Result<(), String> {
        let (mut files, mut total, mut failed) = (0, 0, None);
        let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            let (Ok(folder), Some(name)) = (std::str::from_utf8(folder.as_bytes()), entry.name().ok()) else {
                return TreeWalkResult::Skip;
            };
            let Ok(path) = RelPath::new(&format!("{folder}{name}")) else { return TreeWalkResult::Skip };
            let written = match entry.kind() {
                Some(ObjectType::Tree) if self.is_near(&path) => {
                    fs::create_dir_all(self.target.join(path.as_path())).map(|()| 0)
                }
                Some(ObjectType::Blob) if self.is_wanted(&path, name) => self.file(&path, entry),
                _ => Ok(0),
            };
            match written {
                Ok(bytes) => {
                    files += usize::from(bytes > 0);
                    total += bytes;
                }
                Err(error) => failed = Some(error.to_string()),
            }
            if failed.is_some() || files > MAX_FILES || total > MAX_TOTAL {
                TreeWalkResult::Abort
            } else {
                TreeWalkResult::Ok
            }
        });
        match failed {
            Some(why) => Err(why),
            // Beyond the bounds nothing more is taken.
            None if files > MAX_FILES || total > MAX_TOTAL => Ok(()),
            None => walked.map_err(|error| error.message().to_owned()),
        }
    }

    /// Whether the folders that hold `path` are few, counted from the root or from a folder on the way to the focus.
    fn is_near(&self, path: &RelPath) -> bool {
        let parent = path.as_path().parent().unwrap_or(Path::new(""));
        let from = self.focus.into_iter().flat_map(Path::ancestors).chain([Path::new("")]);
        from.filter_map(|folder| parent.strip_prefix(folder).ok()).any(|rest| rest.components().count() < DEPTH)
    }

    fn is_wanted(&self, path: &RelPath, name: &str) -> bool {
        MANIFESTS.contains(&name) || self.is_near(path)
    }

    /// Writes a file; a link becomes none, as it would name something of the machine.
    fn file(&self, path: &RelPath, entry: &git2::TreeEntry<'_>) -> io::Result<usize> {
        use std::os::unix::fs::OpenOptionsExt as _;
        const LINK: i32 = 0o120_000;
        let (size, _) = self.history.odb().and_then(|odb| odb.read_header(entry.id())).map_err(io::Error::other)?;
        if entry.filemode() == LINK || size > MAX_BYTES {
            return Ok(0);
        }
        let blob = self.history.find_blob(entry.id()).map_err(io::Error::other)?;
        let target = self.target.join(path.as_path());
        target.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mode = if entry.filemode() == 0o100_755 { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
        io::Write::write_all(&mut file, blob.content())?;
        Ok(size.max(1))
    }
}
