//! Decides what a patch may include of the files that commands wrote and somebody names: contents of regular files. A
//! new file gets the usual mode and an old one keeps its own. Links, git's files and files of secrets can't be included
//! like that; when only the repository's settings name a file, it must be data.

use std::path::Path;

use super::generated::ToolWritten;
use super::{ChangedFile, FileMode, FileState};
use crate::journal::{NotTaken, RelPath};
use crate::settings::{SecretFiles, WriteAuthority, Writes, is_of_git, is_snapshot, manifests};

#[derive(Clone, Copy)]
pub(super) struct Takings<'a> {
    pub(super) named: &'a Writes,
    pub(super) written: &'a ToolWritten,
    /// Returns true for files that the tree had at the start.
    pub(super) is_there: &'a dyn Fn(&Path) -> bool,
}

impl Takings<'_> {
    /// The part of `change` that is included in the patch; `None` when nobody names it.
    pub(super) fn take(self, change: &ChangedFile) -> Result<Option<ChangedFile>, NotTaken> {
        let path = change.path.as_path();
        let Some(word) = self.named.word(path) else { return Ok(None) };
        let tool = self.written.get(&change.path).and_then(Option::as_ref).and_then(|tool| tool.after);
        refuse(path, &[change.before, change.after, tool])?;
        if word == WriteAuthority::Repository {
            self.refuse_unless_data(change)?;
        }
        let mode = tool.or(change.before).map_or(FileMode::Regular, |state| state.mode);
        let after = change.after.map(|state| FileState { mode, ..state });
        if after.is_some() && after == tool.or(change.before) {
            return Err(NotTaken::ModeAlone);
        }
        Ok(Some(ChangedFile { after, ..change.clone() }))
    }

    /// Returns true when a tool's change is dropped because a command reverted it.
    pub(super) fn take_back(self, tool: &ChangedFile) -> Result<bool, NotTaken> {
        let path = tool.path.as_path();
        let Some(word) = self.named.word(path) else { return Ok(false) };
        refuse(path, &[tool.before, tool.after])?;
        if word == WriteAuthority::Repository {
            self.refuse_unless_data(&ChangedFile { after: tool.before, ..tool.clone() })?;
        }
        Ok(true)
    }

    /// What a repository's settings may name: lock files with a manifest, and snapshots.
    fn refuse_unless_data(self, change: &ChangedFile) -> Result<(), NotTaken> {
        let path = change.path.as_path();
        let is_lock_file = change.after.is_some()
            && manifests(path).is_some_and(|mut manifests| {
                change.before.is_some() || manifests.any(|manifest| self.has_manifest(&manifest))
            });
        if is_lock_file || is_snapshot(path) { Ok(()) } else { Err(NotTaken::NoData) }
    }

    /// Returns true when the manifest is in the user's tree or was written by the model.
    fn has_manifest(self, manifest: &Path) -> bool {
        let tool = RelPath::from_path(manifest).ok().and_then(|path| self.written.get(&path)?.as_ref());
        tool.map_or_else(|| (self.is_there)(manifest), |tool| tool.after.is_some())
    }
}

/// Refuses links, git's files and secrets, whoever names them.
fn refuse(path: &Path, states: &[Option<FileState>]) -> Result<(), NotTaken> {
    if states.iter().flatten().any(|state| state.mode.is_symlink()) {
        Err(NotTaken::Link)
    } else if is_of_git(path) || path.iter().any(|part| is_gits_word(part.as_encoded_bytes())) {
        Err(NotTaken::OfGit)
    } else if SecretFiles::default().what(path).is_some() {
        Err(NotTaken::Secret)
    } else {
        Ok(())
    }
}

/// Returns true when a tool's file may be followed to where a command moved it: the new path must be no more hidden
/// than the old, and none that [`refuse`] refuses.
pub(super) fn may_move(from: &Path, to: &Path) -> bool {
    let hidden = |path: &Path| path.iter().filter(|part| part.as_encoded_bytes().starts_with(b".")).count();
    refuse(to, &[]).is_ok() && hidden(to) <= hidden(from)
}

/// `.gitattributes`, `.gitmodules` and other files that tell git or its host what to do.
fn is_gits_word(name: &[u8]) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b".git"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Digest;

    const R: FileMode = FileMode::Regular;
    const X: FileMode = FileMode::Executable;
    const L: FileMode = FileMode::Symlink;

    fn change(path: &str, before: Option<(FileMode, &str)>, after: Option<(FileMode, &str)>) -> ChangedFile {
        let state = |(mode, text): (FileMode, &str)| FileState { mode, sha256: Digest::of(text) };
        ChangedFile { path: RelPath::new(path).expect("a path"), before: before.map(state), after: after.map(state) }
    }

    fn take(named: &Writes, change: &ChangedFile) -> Result<Option<ChangedFile>, NotTaken> {
        let is_there = |path: &Path| path == Path::new("Cargo.toml");
        Takings { named, written: &ToolWritten::new(), is_there: &is_there }.take(change)
    }

    #[test]
    fn on_the_users_word_contents_of_regular_files_are_taken() {
        let all = Writes::of(&["**".to_owned()]);
        let new = |path: &str, mode| take(&all, &change(path, None, Some((mode, "x"))));
        assert_eq!(new("a.py", R), Ok(Some(change("a.py", None, Some((R, "x"))))));
        assert_eq!(new("a.sh", X), Ok(Some(change("a.sh", None, Some((R, "x"))))), "a new file runs nothing");
        assert_eq!(new("leak", L), Err(NotTaken::Link));
        for path in [".gitattributes", "a/.GITMODULES", ".github/workflows/x.yml", "a/.git /config", "git~1/x"] {
            assert_eq!(new(path, R), Err(NotTaken::OfGit), "{path}");
        }
        for path in [".env", "a/id_rsa", "x.tfstate.backup"] {
            assert_eq!(new(path, R), Err(NotTaken::Secret), "{path}");
        }
        let old = |before, after| take(&all, &change("a", before, after));
        assert_eq!(old(Some((X, "x")), Some((R, "y"))), Ok(Some(change("a", Some((X, "x")), Some((X, "y"))))));
        assert_eq!(old(Some((R, "x")), Some((X, "x"))), Err(NotTaken::ModeAlone));
        assert_eq!(old(Some((L, "x")), Some((R, "y"))), Err(NotTaken::Link));
        assert_eq!(old(Some((R, "x")), Some((L, "y"))), Err(NotTaken::Link));
        assert_eq!(old(Some((L, "x")), None), Err(NotTaken::Link));
        assert_eq!(old(Some((R, "x")), None), Ok(Some(change("a", Some((R, "x")), None))));
    }

    #[test]
    fn a_file_of_a_tool_is_moved_nowhere_special() {
        let may = |from: &str, to: &str| may_move(Path::new(from), Path::new(to));
        for (from, to) in
            [("a.rs", "b/a.rs"), ("new.yml", "old.yml"), (".config/a.toml", ".config/b.toml"), (".x", "x")]
        {
            assert!(may(from, to), "{from} to {to}");
        }
        for to in [
            ".github/workflows/ci.yml",
            ".gitattributes",
            "a/.GitModules",
            ".env.local",
            "id_rsa",
            ".vscode/tasks.json",
        ] {
            assert!(!may("new.yml", to), "{to}");
        }
        assert!(!may(".config/x", ".github/x"));
    }

    #[test]
    fn on_the_repositorys_word_data_alone_is_taken() {
        // Simulates globs that slipped through validation.
        let all = ["**".to_owned()];
        let all = Writes::of_both(&all, &all);
        let new = |path: &str| take(&all, &change(path, None, Some((R, "x")))).map(|taken| taken.is_some());
        for path in ["a/__snapshots__/b.snap", "snapshots/a.png", "Cargo.lock"] {
            assert_eq!(new(path), Ok(true), "{path}");
        }
        for path in ["setup.py", "README.md", "__snapshots__/conftest.py", "crates/a/Cargo.lock", "yarn.lock"] {
            assert_eq!(new(path), Err(NotTaken::NoData), "{path}");
        }
        let lock = |after| take(&all, &change("yarn.lock", Some((R, "x")), after)).map(|taken| taken.is_some());
        assert_eq!((lock(Some((R, "y"))), lock(None)), (Ok(true), Err(NotTaken::NoData)));
    }
}
