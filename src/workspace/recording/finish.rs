//! Replaces the index under git's own lock, as git does, then updates the refs, each only from its old value.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{GitRecording, NewHead, NewIndex, RecordError};
use crate::journal::{Digest, RUN_FILE_LIMIT as INDEX_LIMIT, crash, read_own, read_regular};
use crate::workspace::git::{Git, GitDir};

impl GitRecording {
    /// Takes git's lock on the index, with the new index as its content: from now on no other git changes it.
    ///
    /// # Errors
    /// When another process holds the lock, or changed the index meanwhile.
    pub fn lock(&self) -> Result<(), RecordError> {
        self.index.as_ref().map_or(Ok(()), NewIndex::lock)
    }

    /// Releases the lock, if it is ours.
    pub fn abandon(&self) {
        if let Some(index) = &self.index {
            index.abandon();
        }
    }

    /// Updates index and refs. Steps that are done already are skipped, so that the next process can continue after a
    /// kill.
    ///
    /// # Errors
    /// When git refuses or the user changed index or HEAD meanwhile: the rest can be done with git.
    pub fn finish(&self) -> Result<(), RecordError> {
        self.index.as_ref().map_or(Ok(()), NewIndex::install)?;
        crash::point("index replaced");
        self.head.as_ref().map_or(Ok(()), |head| head.set(&self.root))?;
        crash::point("refs set");
        Ok(())
    }
}

impl NewIndex {
    fn lock_file(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        name.into()
    }

    /// The lock file is written here first: a lock is complete, or it isn't ours.
    fn draft(&self) -> PathBuf {
        self.path.with_file_name(format!("index.kcode-{}", self.after.short()))
    }

    fn lock(&self) -> Result<(), RecordError> {
        let (lock, draft) = (self.lock_file(), self.draft());
        // A killed kcode may have left one; `create_new` makes sure that nothing existing is written through.
        drop(fs::remove_file(&draft));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
        let written =
            read_own(&self.made, INDEX_LIMIT).and_then(|bytes| file.write_all(&bytes)).and_then(|()| file.sync_all());
        crash::point("lock drafted");
        // `link` fails when the lock exists already.
        let linked = written.and_then(|()| fs::hard_link(&draft, &lock));
        drop(fs::remove_file(&draft));
        linked.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Locked(lock.clone()),
            _ => error.into(),
        })?;
        crash::point("index locked");
        if digest(&self.path) == self.before {
            return Ok(());
        }
        self.abandon();
        Err(RecordError::Git("the index changed meanwhile".to_owned()))
    }

    fn abandon(&self) {
        drop(fs::remove_file(self.draft()));
        if digest(&self.lock_file()) == Some(self.after) {
            drop(fs::remove_file(self.lock_file()));
        }
    }

    fn install(&self) -> Result<(), RecordError> {
        if digest(&self.lock_file()) == Some(self.after) {
            fs::rename(self.lock_file(), &self.path)?;
        }
        if digest(&self.path) == Some(self.after) {
            return Ok(());
        }
        Err(RecordError::Git("the index changed meanwhile".to_owned()))
    }
}

fn digest(path: &Path) -> Option<Digest> {
    read_regular(path, INDEX_LIMIT).ok().map(|bytes| Digest::of(&bytes))
}

impl NewHead {
    fn set(&self, root: &Path) -> Result<(), RecordError> {
        let dir = GitDir::usable(root).ok_or(RecordError::NoGit)?;
        let run = |arguments: &[&str]| {
            let git = Git::of_refs(&dir).map_err(RecordError::Git)?.for_the_user();
            git.args(arguments).run(b"").map(drop).map_err(RecordError::Git)
        };
        if let Some(name) = &self.branch {
            dir.check_branch(&format!("refs/heads/{name}"))?;
        }
        let (before, reason) = (self.before.as_deref(), self.reason.as_str());
        let target = self.commit.as_deref().or(before);
        let Some(branch) = self.branch.as_ref().map(|name| format!("refs/heads/{name}")) else {
            let Some(target) = target.filter(|target| now(&dir, "HEAD").as_deref() != Some(*target)) else {
                return Ok(());
            };
            // With an empty old value git requires that the ref doesn't exist.
            return run(&["update-ref", "-m", reason, "HEAD", target, before.unwrap_or("")]);
        };
        if let Some(target) = target.filter(|target| now(&dir, &branch).as_deref() != Some(*target)) {
            run(&["update-ref", "-m", reason, &branch, target, ""])?;
        }
        crash::point("branch made");
        if dir.line(["symbolic-ref", "--quiet", "HEAD"]).as_deref() == Some(branch.as_bytes()) {
            return Ok(());
        }
        if now(&dir, "HEAD").as_deref() != before {
            return Err(RecordError::Git("HEAD moved meanwhile".to_owned()));
        }
        run(&["symbolic-ref", "-m", reason, "HEAD", &branch])
    }
}

/// The commit that a ref names.
fn now(dir: &GitDir, name: &str) -> Option<String> {
    dir.line(["rev-parse", "--verify", "--quiet", name]).and_then(|line| String::from_utf8(line).ok())
}

/// The commit that HEAD of the work tree at `root` names.
pub(super) fn head_now(root: &Path) -> Option<String> {
    GitDir::usable(root)?.head().commit
}
