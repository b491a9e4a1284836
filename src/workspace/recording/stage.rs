//! Puts a patch into a copy of an index: exactly the patch, also where the user has changed more.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::RecordError;
use crate::workspace::git::{Git, GitDir};
use crate::workspace::{Blobs, ChangeSet, ChangedFile, Conflict, FileState, apply::merge_content};

/// A copy of the user's index, or an empty one.
pub(super) struct StagedIndex<'a> {
    pub dir: &'a GitDir,
    pub file: PathBuf,
}

/// An index entry of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IndexState {
    mode: String,
    id: String,
}

/// How line ends are converted for git.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conversion {
    /// As `git add` does.
    AsAdded,
    None,
}

impl StagedIndex<'_> {
    fn command(&self) -> Result<Git, RecordError> {
        Ok(Git::of(self.dir).map_err(RecordError::Git)?.env("GIT_INDEX_FILE", &self.file))
    }

    pub(super) fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, RecordError> {
        self.command()?.args(arguments).run(input).map_err(RecordError::Git)
    }

    /// Runs a command that needs the author's identity.
    pub(super) fn for_the_user(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, RecordError> {
        // The user's settings may apply to certain repositories only, by their paths.
        let git = Git::of_refs(self.dir).map_err(RecordError::Git)?.env("GIT_INDEX_FILE", &self.file);
        git.for_the_user().args(arguments).run(input).map_err(RecordError::Git)
    }

    fn id(&self, arguments: &[&str], input: &[u8]) -> Result<String, RecordError> {
        Ok(String::from_utf8_lossy(&self.git(arguments, input)?).trim().to_owned())
    }

    /// Puts `changes` into the index, or names the files that don't take them.
    pub(super) fn take(&self, changes: &ChangeSet, blobs: &Blobs) -> Result<(), RecordError> {
        let paths: Vec<&str> = changes.entries.iter().map(|entry| entry.path.as_str()).collect();
        let held = self.held(&paths)?;
        let filtered = self.filtered(&paths)?;
        let (mut lines, mut conflicts) = (Vec::new(), Vec::new());
        for entry in &changes.entries {
            let path = entry.path.as_str();
            let staged = if filtered.contains(&path.to_owned()) {
                Err("git stores it through a filter, which isn't run here".to_owned())
            } else {
                self.staged(entry, held.get(path), blobs)?
            };
            match staged {
                Ok(Some(IndexState { mode, id })) => lines.extend(format!("{mode} {id}\t{path}\0").into_bytes()),
                Ok(None) => {
                    // Mode 0 removes the path; of the id only the length counts.
                    let length = held.get(path).map_or(40, |held| held.id.len());
                    lines.extend(format!("0 {}\t{path}\0", "0".repeat(length)).into_bytes());
                }
                Err(why) => conflicts.push(Conflict { path: entry.path.clone(), why }),
            }
        }
        if !conflicts.is_empty() {
            return Err(RecordError::Conflicts(conflicts));
        }
        self.git(&["update-index", "-z", "--index-info"], &lines).map(drop)
    }

    /// The index entry that a path gets; `Ok(None)` removes it. The inner error says why the patch doesn't fit.
    fn staged(
        &self,
        entry: &ChangedFile,
        held: Option<&IndexState>,
        blobs: &Blobs,
    ) -> Result<Result<Option<IndexState>, String>, RecordError> {
        let of = |state: Option<FileState>, conversion| {
            state.map(|state| self.object(entry, state, blobs, conversion)).transpose()
        };
        // A file that git stores exactly as it is in the tree is stored exactly again: `git add` doesn't convert its
        // line ends either.
        let exact = of(entry.before, Conversion::None)?;
        let is_exact = exact.is_some() && held == exact.as_ref();
        let conversion = if is_exact { Conversion::None } else { Conversion::AsAdded };
        let before = if is_exact { exact } else { of(entry.before, conversion)? };
        let after = of(entry.after, conversion)?;
        if held == before.as_ref() || held == after.as_ref() {
            return Ok(Ok(after));
        }
        let (Some(before), Some(held)) = (before, held) else {
            let untracked = "git doesn't track it, so that the patch alone can't be staged".to_owned();
            return Ok(Err(if held.is_none() { untracked } else { "git has another file there".to_owned() }));
        };
        let Some(after) = after else { return Ok(Err("the patch deletes it, and git has another version".to_owned())) };
        if [&before, held, &after].iter().any(|one| one.mode == "120000" || one.mode == "160000") {
            return Ok(Err("a link can't be merged".to_owned()));
        }
        let content = |one: &IndexState| self.git(&["cat-file", "blob", &one.id], b"");
        let merged = merge_content(&content(&before)?, &content(held)?, &content(&after)?);
        let merged = match merged {
            Ok(merged) => self.id(&["hash-object", "-w", "--stdin", "--no-filters"], &merged)?,
            Err(why) => return Ok(Err(why)),
        };
        let mode = if held.mode == before.mode { after.mode } else { held.mode.clone() };
        Ok(Ok(Some(IndexState { mode, id: merged })))
    }

    /// Stores a content as git would.
    fn object(
        &self,
        entry: &ChangedFile,
        state: FileState,
        blobs: &Blobs,
        conversion: Conversion,
    ) -> Result<IndexState, RecordError> {
        let content = blobs.read(state.sha256)?;
        let path = format!("--path={}", entry.path);
        let exact = conversion == Conversion::None || state.mode.is_symlink();
        let conversion = if exact { "--no-filters" } else { path.as_str() };
        let id = self.id(&["hash-object", "-w", "--stdin", conversion], &content)?;
        Ok(IndexState { mode: state.mode.as_str().to_owned(), id })
    }

    fn held(&self, paths: &[&str]) -> Result<BTreeMap<String, IndexState>, RecordError> {
        let listed = self.git(&[&["ls-files", "--stage", "-z", "--"], paths].concat(), b"")?;
        let mut held = BTreeMap::new();
        for line in String::from_utf8_lossy(&listed).split('\0').filter(|line| !line.is_empty()) {
            let Some((about, path)) = line.split_once('\t') else { continue };
            let mut words = about.split(' ').map(str::to_owned);
            let (Some(mode), Some(id), Some(stage)) = (words.next(), words.next(), words.next()) else { continue };
            if stage != "0" {
                return Err(RecordError::Busy(format!("{path} is unmerged")));
            }
            held.insert(path.to_owned(), IndexState { mode, id });
        }
        Ok(held)
    }

    /// The paths that git stores through a filter, such as LFS.
    fn filtered(&self, paths: &[&str]) -> Result<Vec<String>, RecordError> {
        let input = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect::<Vec<_>>();
        let told = self.git(&["check-attr", "-z", "--stdin", "filter"], &input)?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let words: Vec<&str> = told.split('\0').collect();
        let is_named = |value: &str| !["unspecified", "unset", "set"].contains(&value);
        Ok(words.chunks_exact(3).filter(|about| is_named(about[2])).map(|about| about[0].to_owned()).collect())
    }
}
