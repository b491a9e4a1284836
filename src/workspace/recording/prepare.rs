//! What can be made before a file is written: objects that nothing refers to yet, and an index that nobody uses.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::stage::StagedIndex;
use super::{NewHead, NewIndex, RecordError, Recording, Wanted};
use crate::journal::{Digest, RunFolder, crash};
use crate::workspace::tree_id::copy_with_time;
use crate::workspace::{Blobs, ChangeSet, GitAccess, Repository, git, remove_tree};

/// What git has while a merge or the like is under way.
const BUSY: [&str; 5] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"];

impl Recording {
    /// Makes everything ready for `changes`, a patch whose contents are in the run's blobs.
    ///
    /// # Errors
    /// When git will not be able to do it; nothing of the user's has changed.
    pub fn prepare(root: &Path, run: &RunFolder, changes: &ChangeSet, wanted: &Wanted) -> Result<Self, RecordError> {
        Self::prepare_in(root, run, changes, wanted).inspect_err(|_| drop(remove_tree(&run.unfinished_git())))
    }

    fn prepare_in(root: &Path, run: &RunFolder, changes: &ChangeSet, wanted: &Wanted) -> Result<Self, RecordError> {
        let repository = Repository::open(root).map_err(|error| RecordError::Git(error.to_string()))?;
        if repository.git() == GitAccess::None || repository.root() != root {
            return Err(RecordError::NoGit);
        }
        let head = repository.head().and_then(|head| head.commit);
        if wanted.commit.is_some() || wanted.branch.is_some() {
            not_busy(root)?;
        }
        wanted.branch.as_deref().map_or(Ok(()), |name| can_be_made(root, name))?;
        let (folder, blobs, disarmed) = (run.unfinished_git(), Blobs::at(&run.blobs()), git::without_filters(root));
        fs::create_dir_all(&folder)?;
        crash::point("made room for git's part");
        let index = |name: &str| StagedIndex { root, file: folder.join(name), disarmed: &disarmed };
        let staged = (wanted.index || wanted.commit.is_some()).then(|| new_index(&index("staged"), changes, &blobs));
        let staged = staged.transpose()?;
        let commit = |message: &String| commit(&index("committed"), head.as_deref(), changes, &blobs, message);
        let commit = wanted.commit.as_ref().map(commit).transpose()?;
        let moves = commit.is_some() || wanted.branch.is_some();
        let reason = format!("kcode apply {}", run.id());
        let on = head.clone();
        let head = moves.then(|| NewHead { before: head, branch: wanted.branch.clone(), commit, reason });
        Ok(Self { root: root.to_owned(), on, index: staged, head })
    }
}

fn not_busy(root: &Path) -> Result<(), RecordError> {
    let busy = BUSY.into_iter().find(|name| place(root, name).is_ok_and(|path| path.exists()));
    busy.map_or(Ok(()), |name| Err(RecordError::Busy(name.to_owned())))
}

fn can_be_made(root: &Path, name: &str) -> Result<(), RecordError> {
    let refused = |why: &str| RecordError::Branch { name: name.to_owned(), why: why.to_owned() };
    let full = format!("refs/heads/{name}");
    if name.starts_with('-') || git::output(root, ["check-ref-format", "--branch", name]).is_none() {
        return Err(refused("that is no name for a branch"));
    }
    let is_there = |name: &str| git::output(root, ["rev-parse", "--verify", "--quiet", name]).is_some();
    if is_there(&full) {
        return Err(refused("it exists already"));
    }
    // Git keeps branches as paths: what is one can't be a folder of others.
    let parents = full.match_indices('/').map(|(end, _)| &full[..end]).skip(2);
    let below = git::line(root, ["for-each-ref", "--count=1", "--format=%(refname)", &format!("{full}/")]);
    if below.is_some() || parents.into_iter().any(is_there) {
        return Err(refused("its name goes through another branch"));
    }
    Ok(())
}

/// The user's index with the patch in it.
fn new_index(staged: &StagedIndex<'_>, changes: &ChangeSet, blobs: &Blobs) -> Result<NewIndex, RecordError> {
    let path = place(staged.root, "index")?;
    let before = match copy_with_time(&path, &staged.file) {
        Ok(()) => Some(Digest::of(&fs::read(&staged.file)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            staged.git(&["read-tree", "--empty"], b"")?;
            None
        }
        Err(error) => return Err(error.into()),
    };
    staged.take(changes, blobs)?;
    let after = Digest::of(&fs::read(&staged.file)?);
    Ok(NewIndex { path, made: staged.file.clone(), before, after })
}

/// A commit of HEAD with the patch, and nothing else that is staged.
fn commit(
    staged: &StagedIndex<'_>,
    head: Option<&str>,
    changes: &ChangeSet,
    blobs: &Blobs,
    message: &str,
) -> Result<String, RecordError> {
    // Asked before anything is made: git would otherwise guess from the machine's name.
    let identity = ["-c", "user.useConfigOnly=true"];
    for who in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
        staged.git(&[&identity[..], &["var", who]].concat(), b"").map_err(|_| RecordError::NoIdentity)?;
    }
    staged.git(&["read-tree", head.unwrap_or("--empty")], b"")?;
    staged.take(changes, blobs)?;
    let word = |output: Vec<u8>| String::from_utf8_lossy(&output).trim().to_owned();
    let tree = word(staged.git(&["write-tree"], b"")?);
    let parent = head.map_or_else(Vec::new, |head| vec!["-p", head]);
    let commit = [&identity[..], &["commit-tree", "--no-gpg-sign", &tree, "-F", "-"], &parent].concat();
    Ok(word(staged.git(&commit, message.as_bytes())?))
}

/// Where git keeps `name` for this work tree.
fn place(root: &Path, name: &str) -> Result<PathBuf, RecordError> {
    let path = git::line(root, ["rev-parse", "--git-path", name]);
    let path = path.ok_or_else(|| RecordError::Git(format!("it doesn't say where its {name} is")))?;
    Ok(root.join(OsString::from_vec(path)))
}
