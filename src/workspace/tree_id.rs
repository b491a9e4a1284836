//! The tree that tests ran on, by the id that git would give it when it was committed.
//!
//! Anybody can check it: `git rev-parse HEAD^{tree}` says the same once the tree is committed. The user's index and objects
//! stay as they are: one git reads the index and the tree; where files differ from the index, another one puts them into a
//! copy of it, with their objects in a folder of the run's. The id is computed from the entries (`tree_hash`), so that
//! no folder becomes an object, and what git knows already isn't touched.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::git::{Git, GitDir};
use super::hunks::object_name;
use super::repository::ObjectFormat;
use super::tree_hash::{Entry, TreeHash};
use super::{Blobs, ChangeSet, Repository, file_state};
use crate::journal::{Digest, open_regular};

/// What git would have to hash at most, in files that it doesn't know: nobody waits for gigabytes to be read.
const MOST_BYTES: u64 = 256 << 20;
const MOST_FILES: usize = 20_000;

/// The entries of the tree which the run started from, kept in a file of the run's.
#[derive(Debug)]
pub struct TreeIndex {
    root: PathBuf,
    folder: PathBuf,
    /// `None` in a folder without git.
    git: Option<GitDir>,
    format: ObjectFormat,
    start: String,
}

/// A path, and mode and object of what is there afterwards, if anything is.
type Changed<'a> = (&'a [u8], Option<(&'static str, String)>);

/// A tree before and after a change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeIds {
    /// What a run started from.
    pub start: String,
    /// The same with its changes.
    pub patched: String,
}

/// Why a tree has no id.
#[derive(Debug, thiserror::Error)]
pub enum NoTreeId {
    /// Too much that git doesn't know yet.
    #[error("more than {} MiB in files that git doesn't track", MOST_BYTES >> 20)]
    TooLarge,
    /// It isn't there, or it refuses.
    #[error("git can't tell: {0}")]
    Git(String),
    /// The folder for it can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TreeIndex {
    /// Of the tree as it stands now. `folder` is made for it. Blocks; a large untracked file takes its time.
    ///
    /// # Errors
    /// When there is too much to read, or git can't.
    pub fn of(repository: &Repository, folder: &Path) -> Result<Self, NoTreeId> {
        let root = repository.root().to_owned();
        DirBuilder::new().mode(0o700).recursive(true).create(folder.join("objects"))?;
        let git = repository.git_dir().cloned();
        let format = repository.object_format;
        let mut tree = Self { root, folder: fs::canonicalize(folder)?, git, format, start: String::new() };
        let differing = tree.scan()?;
        if !differing.is_empty() {
            tree.add_all(&differing)?;
            tree.list()?;
        }
        tree.start = tree.hash(&[])?;
        Ok(tree)
    }

    /// The tree that the run started from.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// The same tree with `changes`, whose contents are in `blobs`.
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

    /// `git`, working on this index and with objects of its own alone: it would set the times of those that it finds.
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

    /// Takes down the entries of the user's index. Returns the paths where the tree differs from it.
    fn scan(&self) -> Result<Vec<Vec<u8>>, NoTreeId> {
        let index = self.users_index().unwrap_or_else(|| self.index());
        // Git would wait at a pipe.
        let _regular = if index.exists() { Some(open_regular(&index)?) } else { None };
        let told = ["--cached", "--stage", "--others", "--modified", "--deleted", "--exclude-standard"];
        let git = self.command()?.env("GIT_INDEX_FILE", index).args(["ls-files", "-z", "-t"]).args(told);
        let mut differing = Vec::new();
        self.take_down(git, |part| {
            let (tag, entry) = part.split_at_checked(2)?;
            match tag {
                // A repository in the tree ends in a slash.
                b"? " => differing.push(entry.strip_suffix(b"/").unwrap_or(entry).to_vec()),
                b"C " | b"R " => differing.push(Entry::read(entry)?.path.to_vec()),
                _ => return Some(entry),
            }
            None
        })?;
        // A deleted file is told twice, and one that isn't merged by each stage.
        differing.dedup();
        Ok(differing)
    }

    /// Takes down the entries of the run's index.
    fn list(&self) -> Result<(), NoTreeId> {
        let git = self.command()?.args(["ls-files", "-z", "--cached", "--stage"]);
        self.take_down(git, |part| Some(part))
    }

    /// Keeps what `entry` makes of each part that git tells.
    fn take_down(&self, git: Git, mut entry: impl FnMut(&[u8]) -> Option<&[u8]>) -> Result<(), NoTreeId> {
        let (mut file, mut kept) = (BufWriter::new(File::create(self.entries())?), Ok(()));
        let mut keep = |bytes: &[u8]| file.write_all(bytes).and_then(|()| file.write_all(b"\0"));
        let told = git.each_part(|part| {
            if let (Some(bytes), Ok(())) = (entry(part), &kept) {
                kept = keep(bytes);
            }
        });
        told.map_err(NoTreeId::Git)?;
        kept?;
        Ok(file.flush()?)
    }

    /// The id of the entries with `changed`, sorted, put into them; without those of which nothing is left.
    fn hash(&self, changed: &[Changed<'_>]) -> Result<String, NoTreeId> {
        let (mut tree, mut changed) = (TreeHash::new(self.format), changed.iter().peekable());
        let (mut file, mut line) = (BufReader::new(File::open(self.entries())?), Vec::new());
        let add = |tree: &mut TreeHash, (path, after): &Changed<'_>| {
            after.as_ref().map_or(Ok(()), |(mode, id)| tree.add(mode, id, path))
        };
        while file.read_until(0, &mut line)? > 0 {
            let entry = Entry::read(line.strip_suffix(b"\0").unwrap_or(&line)).filter(|entry| entry.stage == "0");
            let entry = entry.ok_or_else(|| NoTreeId::Git("a merge isn't resolved".to_owned()))?;
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

    /// Puts `paths` as they stand into a copy of the user's index. `git add` would do the same, and ask repositories in the tree
    /// what has changed in them, each by its own settings.
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

    /// Git's name for a kept content. The object itself isn't needed; a git for each file would take its time.
    fn object(&self, blobs: &Blobs, digest: Digest) -> Result<String, NoTreeId> {
        let named = object_name(self.format, &blobs.read(digest)?);
        named.map_err(|error| NoTreeId::Git(error.message().to_owned()))
    }
}

/// The index's own time tells git which files it has to read, because they may have changed in the very tick in which it was
/// written.
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
