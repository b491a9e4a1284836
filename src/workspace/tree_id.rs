//! The tree that tests ran on, by the id that git would give it in a commit.
//!
//! Anybody can check it: `git rev-parse HEAD^{tree}` gives the same id once the tree is committed. The user's index and
//! objects stay as they are: git reads the index and the tree; where files differ from the index, another git puts them
//! into a copy of it, with their objects in a folder of the run. `tree_hash` computes the id from the entries, so that
//! no folder becomes an object and no known object is touched.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::git::{Git, GitDir};
use super::hunks::object_name;
use super::repository::ObjectFormat;
use super::tree_hash::{IndexEntry, TreeHash};
use super::{Blobs, ChangeSet, Repository, file_state};
use crate::journal::{Digest, open_regular};

/// Maximum bytes of untracked and changed files that git has to hash: nobody waits for gigabytes to be read.
const MOST_BYTES: u64 = 256 << 20;
const MOST_FILES: usize = 20_000;
/// Bytes; an index of this size lists some ten thousand files.
const LARGE_INDEX: u64 = 1 << 20;
/// Buffer size in bytes for reading and writing entries.
const AT_ONCE: usize = 64 << 10;

/// The entries of the tree that the run started from, kept in a file of the run.
#[derive(Debug)]
pub struct TreeIndex {
    root: PathBuf,
    folder: PathBuf,
    /// `None` in a folder without git.
    git: Option<GitDir>,
    format: ObjectFormat,
    start: String,
}

/// A path with its new mode and object; `None` when the path is deleted.
type Changed<'a> = (&'a [u8], Option<(&'static str, String)>);

/// Result of comparing index and tree.
struct Scan {
    /// Paths where the tree differs from the index.
    differing: Vec<Vec<u8>>,
    /// Tree id of the index's entries, or why they have none.
    id: Result<String, String>,
}

/// Tree ids before and after a change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeIds {
    /// Tree that the run started from.
    pub start: String,
    /// The same tree with the change set.
    pub patched: String,
}

/// Why a tree has no id.
#[derive(Debug, thiserror::Error)]
pub enum NoTreeId {
    /// Too many bytes or files that git doesn't know yet.
    #[error("more than {} MiB in files that git doesn't track", MOST_BYTES >> 20)]
    TooLarge,
    /// Git isn't installed, or fails.
    #[error("git can't tell: {0}")]
    Git(String),
    /// The run's folder can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TreeIndex {
    /// Indexes the tree as it is now, in `folder`, which is created. Blocks; large untracked files take long.
    ///
    /// # Errors
    /// When there is too much to read, or git can't.
    pub fn of(repository: &Repository, folder: &Path) -> Result<Self, NoTreeId> {
        let root = repository.root().to_owned();
        DirBuilder::new().mode(0o700).recursive(true).create(folder.join("objects"))?;
        let git = repository.git_dir().cloned();
        let format = repository.object_format;
        let mut tree = Self { root, folder: fs::canonicalize(folder)?, git, format, start: String::new() };
        let Scan { differing, id } = tree.scan()?;
        tree.start = if differing.is_empty() {
            id.map_err(NoTreeId::Git)?
        } else {
            tree.add_all(&differing)?;
            tree.list()?
        };
        Ok(tree)
    }

    /// Id of the tree that the run started from.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// Paths of the tree, relative to the root. Blocks.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn paths(&self) -> io::Result<HashSet<PathBuf>> {
        let parts = BufReader::with_capacity(AT_ONCE, File::open(self.entries())?).split(0);
        let path = |part: Vec<u8>| IndexEntry::read(&part).map(|entry| PathBuf::from(OsStr::from_bytes(entry.path)));
        parts.filter_map(|part| part.map(path).transpose()).collect()
    }

    /// Ids of the tree without and with `changes`, whose contents are in `blobs`.
    ///
    /// # Errors
    /// When git or the folder refuses.
    pub fn with(&self, changes: &ChangeSet, blobs: &Blobs) -> Result<TreeIds, NoTreeId> {
        let mut put = Vec::new();
        for entry in &changes.entries {
            let after =
                entry.after.map(|after| Ok::<_, NoTreeId>((after.mode.as_str(), self.object(blobs, after.sha256)?)));
            put.push((entry.path.as_str().as_bytes(), after.transpose()?));
        }
        put.sort_by_key(|(path, _)| *path);
        Ok(TreeIds { start: self.start.clone(), patched: self.hash(&put)? })
    }

    fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    /// A `git` that uses this index and only its own object folder: it would touch the times of objects that it finds
    /// elsewhere.
    fn command(&self) -> Result<Git, NoTreeId> {
        let objects = self.folder.join("objects");
        let git = match &self.git {
            Some(git) => Git::of(git),
            None => Git::without_git(&self.root, &objects),
        };
        let git = git.map_err(NoTreeId::Git)?;
        Ok(git.env("GIT_INDEX_FILE", self.index()).env("GIT_OBJECT_DIRECTORY", objects))
    }

    fn entries(&self) -> PathBuf {
        self.folder.join("entries")
    }

    /// Records the entries of the user's index, and compares the tree with it.
    fn scan(&self) -> Result<Scan, NoTreeId> {
        let index = self.users_index().unwrap_or_else(|| self.index());
        // Git would block on a pipe.
        let regular = if index.exists() { Some(open_regular(&index)?) } else { None };
        let size = regular.map_or(Ok(0), |file| file.metadata().map(|about| about.len()))?;
        let mut scan = if size > LARGE_INDEX { self.scan_beside(&index)? } else { self.scan_at_once(&index)? };
        // Git lists a deleted file twice, and an unmerged one once a stage.
        scan.differing.dedup();
        Ok(scan)
    }

    /// Uses a single git, which is fastest for few files.
    fn scan_at_once(&self, index: &Path) -> Result<Scan, NoTreeId> {
        let told = ["--cached", "--stage", "--others", "--modified", "--deleted", "--exclude-standard"];
        let git = self.command()?.env("GIT_INDEX_FILE", index).args(["ls-files", "-z", "-t"]).args(told);
        let mut differing = Vec::new();
        let id = self.take_down(git, |part| {
            let (tag, entry) = part.split_at_checked(2)?;
            match tag {
                // The path of a nested repository ends in a slash.
                b"? " => differing.push(entry.strip_suffix(b"/").unwrap_or(entry).to_vec()),
                b"C " | b"R " => differing.push(IndexEntry::read(entry)?.path.to_vec()),
                _ => return Some(entry),
            }
            None
        })?;
        Ok(Scan { differing, id })
    }

    /// Runs three gits in parallel: on a large tree each takes long, and the one that compares tracked files has
    /// threads of its own.
    fn scan_beside(&self, index: &Path) -> Result<Scan, NoTreeId> {
        let paths = |arguments: &[&str]| {
            let mut paths = Vec::new();
            let git = self.command()?.env("GIT_INDEX_FILE", index).args(arguments);
            let told = git.each_part(|path| paths.push(path.strip_suffix(b"/").unwrap_or(path).to_vec()));
            told.map(|()| paths).map_err(NoTreeId::Git)
        };
        let (changed, new, entries) = thread::scope(|scope| {
            // Only git inside a submodule could tell what has changed in it.
            let changed = scope.spawn(|| paths(&["diff-files", "-z", "--name-only", "--ignore-submodules=dirty"]));
            let new = scope.spawn(|| paths(&["ls-files", "-z", "--others", "--exclude-standard"]));
            let entries = self.command().and_then(|git| {
                let git = git.env("GIT_INDEX_FILE", index).args(["ls-files", "-z", "--cached", "--stage"]);
                self.take_down(git, |part| Some(part))
            });
            (changed.join(), new.join(), entries)
        });
        let told = |paths: thread::Result<Result<Vec<Vec<u8>>, NoTreeId>>| {
            paths.unwrap_or_else(|_| Err(NoTreeId::Git("the look at the tree broke off".to_owned())))
        };
        Ok(Scan { differing: [told(new)?, told(changed)?].concat(), id: entries? })
    }

    /// Records the entries of the run's index and returns their id.
    fn list(&self) -> Result<String, NoTreeId> {
        let git = self.command()?.args(["ls-files", "-z", "--cached", "--stage"]);
        self.take_down(git, |part| Some(part))?.map_err(NoTreeId::Git)
    }

    /// Records what `entry` returns for each part of git's output. Returns the id of the recorded entries, or why they
    /// have none.
    fn take_down(
        &self,
        git: Git,
        mut entry: impl FnMut(&[u8]) -> Option<&[u8]>,
    ) -> Result<Result<String, String>, NoTreeId> {
        let mut file = BufWriter::with_capacity(AT_ONCE, File::create(self.entries())?);
        let (mut tree, mut kept, mut hashed) = (TreeHash::new(self.format), Ok(()), Ok(()));
        let mut keep = |bytes: &[u8]| file.write_all(bytes).and_then(|()| file.write_all(b"\0"));
        let told = git.each_part(|part| {
            let Some(bytes) = entry(part).filter(|_| kept.is_ok()) else { return };
            kept = keep(bytes);
            if hashed.is_ok() {
                hashed = IndexEntry::resolved(bytes).and_then(|entry| tree.add(entry.mode, entry.id, entry.path));
            }
        });
        told.map_err(NoTreeId::Git)?;
        kept?;
        file.flush()?;
        Ok(hashed.and_then(|()| tree.finish()))
    }

    /// The id of the entries with `changed` (sorted) applied.
    fn hash(&self, changed: &[Changed<'_>]) -> Result<String, NoTreeId> {
        let (mut tree, mut changed) = (TreeHash::new(self.format), changed.iter().peekable());
        let (mut file, mut line) = (BufReader::with_capacity(AT_ONCE, File::open(self.entries())?), Vec::new());
        let add = |tree: &mut TreeHash, (path, after): &Changed<'_>| {
            after.as_ref().map_or(Ok(()), |(mode, id)| tree.add(mode, id, path))
        };
        while file.read_until(0, &mut line)? > 0 {
            let entry = IndexEntry::resolved(line.strip_suffix(b"\0").unwrap_or(&line)).map_err(NoTreeId::Git)?;
            while let Some(change) = changed.next_if(|(path, _)| *path < entry.path) {
                add(&mut tree, change).map_err(NoTreeId::Git)?;
            }
            match changed.next_if(|(path, _)| *path == entry.path) {
                Some(change) => add(&mut tree, change),
                None => tree.add(entry.mode, entry.id, entry.path),
            }
            .map_err(NoTreeId::Git)?;
            line.clear();
        }
        changed.try_for_each(|change| add(&mut tree, change)).map_err(NoTreeId::Git)?;
        tree.finish().map_err(NoTreeId::Git)
    }

    fn users_index(&self) -> Option<PathBuf> {
        self.git.as_ref().map(|git| git.own.join("index")).filter(|index| index.exists())
    }

    /// Puts `paths` as they are into a copy of the user's index. `git add` would do the same, but ask nested
    /// repositories what changed in them, each with its own settings.
    fn add_all(&self, paths: &[Vec<u8>]) -> Result<(), NoTreeId> {
        let about = |path: &Vec<u8>| fs::symlink_metadata(self.root.join(file_state::as_path(path))).ok();
        let sizes: Vec<u64> = paths.iter().take(MOST_FILES + 1).filter_map(about).map(|about| about.len()).collect();
        if sizes.len() > MOST_FILES || sizes.iter().sum::<u64>() > MOST_BYTES {
            return Err(NoTreeId::TooLarge);
        }
        if let Some(index) = self.users_index() {
            copy_with_time(&index, &self.index())?;
        }
        let input: Vec<u8> = paths.iter().flat_map(|path| [path, &b"\0"[..]].concat()).collect();
        let update = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
        run(self.command()?.args(update), &input).map(drop)
    }

    /// Git's object name of a stored content. The object itself isn't needed; a git process for each file would be
    /// slow.
    fn object(&self, blobs: &Blobs, digest: Digest) -> Result<String, NoTreeId> {
        let named = object_name(self.format, &blobs.read(digest)?);
        named.map_err(|error| NoTreeId::Git(error.message().to_owned()))
    }
}

/// Copies an index with its modification time. By that time git knows which files it must read, because they may have
/// changed in the same clock tick.
pub(super) fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let from = open_regular(from)?;
    let about = from.metadata()?;
    let mut to = File::create(to)?;
    io::copy(&mut (&from).take(about.len()), &mut to)?;
    to.set_permissions(about.permissions())?;
    to.set_modified(about.modified()?)
}

fn run(command: Git, input: &[u8]) -> Result<Vec<u8>, NoTreeId> {
    command.run(input).map_err(NoTreeId::Git)
}
