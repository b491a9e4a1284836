//! Makes what can be made before a file is written: objects that nothing refers to yet, and an index that nobody uses.

use std::fs;
use std::path::Path;

use super::stage::StagedIndex;
use super::{GitRecording, NewHead, NewIndex, RecordError, Wanted};
use crate::journal::{Digest, RUN_FILE_LIMIT, RunFolder, crash, read_own};
use crate::workspace::{Blobs, ChangeSet, Repository, git::GitDir, remove_tree, tree_id::copy_with_time};

/// Entries of git's folder while a merge or the like is in progress.
const BUSY: [&str; 5] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"];

impl GitRecording {
    /// Prepares recording `changes`, a patch whose contents are in the run's blobs.
    ///
    /// # Errors
    /// When git won't be able to do it; nothing of the user's has changed.
    pub fn prepare(root: &Path, run: &RunFolder, changes: &ChangeSet, wanted: &Wanted) -> Result<Self, RecordError> {
        Self::prepare_in(root, run, changes, wanted).inspect_err(|_| drop(remove_tree(&run.unfinished_git())))
    }

    fn prepare_in(root: &Path, run: &RunFolder, changes: &ChangeSet, wanted: &Wanted) -> Result<Self, RecordError> {
        let repository = Repository::open(root).map_err(|error| RecordError::Git(error.to_string()))?;
        let Some(dir) = repository.git_dir().filter(|dir| dir.root == root) else { return Err(RecordError::NoGit) };
        let head = dir.head().commit;
        if wanted.commit.is_some() || wanted.branch.is_some() {
            not_busy(dir)?;
        }
        wanted.branch.as_deref().map_or(Ok(()), |name| can_be_made(dir, name))?;
        let (folder, blobs) = (run.unfinished_git(), Blobs::at(&run.blobs()));
        fs::create_dir_all(&folder)?;
        crash::point("made room for git's part");
        let index = |name: &str| StagedIndex { dir, file: folder.join(name) };
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

fn not_busy(dir: &GitDir) -> Result<(), RecordError> {
    let busy = BUSY.into_iter().find(|name| dir.own.join(name).symlink_metadata().is_ok());
    busy.map_or(Ok(()), |name| Err(RecordError::Busy(name.to_owned())))
}

fn can_be_made(dir: &GitDir, name: &str) -> Result<(), RecordError> {
    let refused = |why: &str| RecordError::Branch { name: name.to_owned(), why: why.to_owned() };
    let full = format!("refs/heads/{name}");
    if name.starts_with('-') || dir.output(["check-ref-format", "--branch", name]).is_none() {
        return Err(refused("that is no name for a branch"));
    }
    let is_there = |name: &str| dir.output(["rev-parse", "--verify", "--quiet", name]).is_some();
    if is_there(&full) {
        return Err(refused("it exists already"));
    }
    // Git stores branches as paths: a branch can't be a folder of others.
    let parents = full.match_indices('/').map(|(end, _)| &full[..end]).skip(2);
    let below = dir.line(["for-each-ref", "--count=1", "--format=%(refname)", &format!("{full}/")]);
    if below.is_some() || parents.into_iter().any(is_there) {
        return Err(refused("its name goes through another branch"));
    }
    dir.check_branch(&full).map_err(|error| refused(&error.to_string()))
}

/// The user's index with the patch in it.
fn new_index(staged: &StagedIndex<'_>, changes: &ChangeSet, blobs: &Blobs) -> Result<NewIndex, RecordError> {
    let path = staged.dir.own.join("index");
    let before = match copy_with_time(&path, &staged.file) {
        Ok(()) => Some(Digest::of(&read_own(&staged.file, RUN_FILE_LIMIT)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            staged.git(&["read-tree", "--empty"], b"")?;
            None
        }
        Err(error) => return Err(error.into()),
    };
    staged.take(changes, blobs)?;
    let after = Digest::of(&read_own(&staged.file, RUN_FILE_LIMIT)?);
    Ok(NewIndex { path, made: staged.file.clone(), before, after })
}

/// Makes a commit of HEAD with the patch, and nothing else that is staged.
fn commit(
    staged: &StagedIndex<'_>,
    head: Option<&str>,
    changes: &ChangeSet,
    blobs: &Blobs,
    message: &str,
) -> Result<String, RecordError> {
    // Checked before anything is made: git would otherwise guess from the machine's name.
    let identity = ["-c", "user.useConfigOnly=true"];
    for who in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
        staged.for_the_user(&[&identity[..], &["var", who]].concat(), b"").map_err(|_| RecordError::NoIdentity)?;
    }
    staged.git(&["read-tree", head.unwrap_or("--empty")], b"")?;
    staged.take(changes, blobs)?;
    let word = |output: Vec<u8>| String::from_utf8_lossy(&output).trim().to_owned();
    let tree = word(staged.git(&["write-tree"], b"")?);
    let parent = head.map_or_else(Vec::new, |head| vec!["-p", head]);
    let commit = [&identity[..], &["commit-tree", "--no-gpg-sign", &tree, "-F", "-"], &parent].concat();
    Ok(word(staged.for_the_user(&commit, message.as_bytes())?))
}
