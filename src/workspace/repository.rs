//! Finds the user's project: its root, the folder the user stood in, its HEAD.
//!
//! Discovery climbs from the given folder; without a usable git, kcode works in the folder itself. The home folder,
//! anything that contains it, and `/` are refused, also when discovery climbs there: a private view of them would copy
//! everything a person has.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git::{BaseTree, DotGit, GitDir, Head};
use super::{WorkspaceError, file_state};
use crate::journal::RelPath;
use crate::settings::Programs;

/// How the repository's git data can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitAccess {
    /// Refs are files and object names SHA-1, which is read without git.
    Library,
    /// Only the `git` command knows its format.
    Command,
    /// There is no git here, or none that is used.
    None,
}

/// The hash of object names; binary patches must carry full names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectFormat {
    Sha1,
    Sha256,
}

/// An opened project folder.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
    focus: Option<RelPath>,
    git: Option<Arc<GitDir>>,
    /// Why its `.git` isn't used, if it has one.
    refused: Option<String>,
    /// The commit that says how to work on the tree, where that isn't the tree itself.
    base: Option<Arc<BaseTree>>,
    pub(super) object_format: ObjectFormat,
}

impl Repository {
    /// Opens the project that `dir` belongs to: the work tree around it, or `dir` itself without git.
    ///
    /// # Errors
    /// When `dir` is missing, no folder or unreadable, when the root would be the home folder or `/`,
    /// and when there is no work tree (bare repository, inside `.git`).
    pub fn open(dir: &Path) -> Result<Self, WorkspaceError> {
        Self::open_away_from(std::env::home_dir().as_deref(), dir)
    }

    fn open_away_from(home: Option<&Path>, dir: &Path) -> Result<Self, WorkspaceError> {
        let start = fs::canonicalize(dir).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => WorkspaceError::Missing(dir.to_owned()),
            io::ErrorKind::NotADirectory => WorkspaceError::NotAFolder(dir.to_owned()),
            _ => WorkspaceError::Unreadable { path: dir.to_owned(), source },
        })?;
        if !start.is_dir() {
            return Err(WorkspaceError::NotAFolder(dir.to_owned()));
        }
        fs::read_dir(&start).map_err(|source| WorkspaceError::Unreadable { path: start.clone(), source })?;
        let (root, git) = discover(&start)?;
        refuse_home(home, &root, &start)?;
        Programs::close(&root);
        let focus = file_state::relative(&root, &start).and_then(|path| RelPath::from_path(&path).ok());
        let (git, refused) = match git {
            DotGit::Dir(dir) => (Some(Arc::new(*dir)), None),
            DotGit::Refused(why) => (None, Some(why)),
            DotGit::Nothing => (None, None),
        };
        let is_sha256 = git.as_deref().is_some_and(GitDir::is_sha256);
        let object_format = if is_sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
        Ok(Self { root, focus, git, refused, base: None, object_format })
    }

    /// Canonical top of the work tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The subfolder that the user stood in, relative to the root.
    #[must_use]
    pub fn focus(&self) -> Option<&RelPath> {
        self.focus.as_ref()
    }

    /// Takes guidance, settings and manifests from `base` instead of the tree.
    #[must_use]
    pub fn guided_by(self, base: BaseTree) -> Self {
        Self { base: Some(Arc::new(base)), ..self }
    }

    /// The folder whose files say how to work on the tree: the tree's own, or those of a commit.
    #[must_use]
    pub fn guiding_root(&self) -> &Path {
        self.base.as_ref().map_or(&self.root, |base| base.path())
    }

    /// The commit that [`Repository::guided_by`] named.
    #[must_use]
    pub fn base_commit(&self) -> Option<&str> {
        self.base.as_ref().map(|base| base.commit())
    }

    /// Replaces the subfolder that [`Repository::focus`] returns.
    #[must_use]
    pub fn seen_from(self, focus: Option<RelPath>) -> Self {
        Self { focus, ..self }
    }

    /// How git data can be read here.
    #[must_use]
    pub fn git(&self) -> GitAccess {
        match &self.git {
            None => GitAccess::None,
            Some(git) if git.is_classic() => GitAccess::Library,
            Some(_) => GitAccess::Command,
        }
    }

    /// Why there is a `.git` that isn't used; `None` otherwise.
    #[must_use]
    pub fn refused_git(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// The file and the name of a setting of git's that holds a credential or leads to one.
    #[must_use]
    pub fn persisted_credential(&self) -> Option<(PathBuf, String)> {
        self.git_dir()?.credential()
    }

    pub(super) fn git_dir(&self) -> Option<&GitDir> {
        self.git.as_deref()
    }

    /// What HEAD names; `None` without git.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.git_dir().map(GitDir::head)
    }

    /// The folders with git's data of this tree: canonical, each once, none inside another. An external folder that
    /// doesn't point back to this tree isn't among them, because a repository may name any folder as git's.
    pub(super) fn git_places(&self) -> Vec<PathBuf> {
        let pointer = fs::canonicalize(self.root.join(".git")).ok();
        let pointer = pointer.filter(|place| place.starts_with(&self.root));
        let known = self.git_dir().into_iter().flat_map(|git| [git.own.clone(), git.common.clone()]);
        let places: BTreeSet<PathBuf> = pointer.into_iter().chain(known).collect();
        let covered = |place: &PathBuf| places.iter().any(|other| other != place && place.starts_with(other));
        // A folder that contains the whole tree can't be treated apart from it.
        places.iter().filter(|place| !covered(place) && !self.root.starts_with(place)).cloned().collect()
    }

    /// `info/exclude` of this clone, if there is one.
    pub(super) fn exclude_file(&self) -> Option<PathBuf> {
        self.git_dir()?.exclude_file()
    }
}

/// The top of the work tree around `start`, with its git; `start` itself when there is none.
fn discover(start: &Path) -> Result<(PathBuf, DotGit), WorkspaceError> {
    let device = |folder: &Path| folder.metadata().ok().map(|about| about.dev());
    let (mut unusable, own) = (None, device(start));
    for folder in start.ancestors().take_while(|folder| device(folder) == own) {
        if fs::symlink_metadata(folder.join(".git")).is_ok() {
            match GitDir::of(folder) {
                // Git ignores a folder that isn't a valid repository, such as an empty one, and may find another above.
                DotGit::Nothing if folder.join(".git").is_dir() => {}
                DotGit::Nothing => drop(unusable.get_or_insert(folder)),
                git @ (DotGit::Dir(_) | DotGit::Refused(_)) => return Ok((folder.to_owned(), git)),
            }
        } else if is_bare(folder) {
            let is_git_s = folder.components().any(|part| part.as_os_str() == ".git");
            let error = if is_git_s { WorkspaceError::InsideGit } else { WorkspaceError::Bare };
            return Err(error(if is_git_s { start } else { folder }.to_owned()));
        }
    }
    Ok((unusable.unwrap_or(start).to_owned(), DotGit::Nothing))
}

/// Returns true when git would take the folder itself for a repository.
fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok() && ["objects", "refs"].iter().all(|name| folder.join(name).is_dir())
}

fn refuse_home(home: Option<&Path>, root: &Path, start: &Path) -> Result<(), WorkspaceError> {
    if root.parent().is_none() {
        return Err(WorkspaceError::FileSystemRoot);
    }
    let Some(home) = home.and_then(|home| fs::canonicalize(home).ok()) else { return Ok(()) };
    if !home.starts_with(root) || home.parent().is_none() {
        return Ok(());
    }
    Err(WorkspaceError::Home { root: root.to_owned(), start: start.to_owned(), exact: home == root })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(home: &Path, dir: &Path) -> Result<Repository, WorkspaceError> {
        Repository::open_away_from(Some(home), dir)
    }

    #[test]
    fn an_empty_git_folder_above_makes_no_repository() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let inner = world.path().join("stray/inner");
        fs::create_dir_all(world.path().join("stray/.git")).expect("a folder");
        fs::create_dir_all(&inner).expect("a folder");
        let repository = open(world.path(), &inner).expect("a folder without git");
        assert_eq!(repository.root(), fs::canonicalize(&inner).expect("it exists"));
        assert!(repository.head().is_none());
    }

    #[test]
    fn home_and_what_holds_it_are_refused() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let home = world.path().join("home/ada");
        let project = home.join("project");
        fs::create_dir_all(&project).expect("folders");
        let error = open(&home, &home).expect_err("home itself");
        assert!(error.to_string().contains("is your home folder"), "{error}");
        let error = open(&home, &world.path().join("home")).expect_err("what holds home");
        assert!(error.to_string().contains("holds your home folder"), "{error}");
        assert!(open(&home, &project).is_ok(), "a project below home is fine");
        assert!(matches!(open(&home, Path::new("/")), Err(WorkspaceError::FileSystemRoot)));
    }

    #[test]
    fn a_repository_of_dotfiles_in_home_is_refused_with_a_way_out() {
        let home = tempfile::tempdir().expect("a temporary folder");
        git2::Repository::init(home.path()).expect("a repository");
        let project = home.path().join("project");
        fs::create_dir(&project).expect("a folder");
        let error = open(home.path(), &project).expect_err("discovery climbs to home");
        assert!(matches!(error, WorkspaceError::Home { exact: true, .. }), "{error}");
        assert!(error.hint().contains("git init"), "{}", error.hint());
    }

    #[test]
    fn a_folder_of_gits_that_does_not_know_the_tree_is_none_of_its() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let base = world.path().canonicalize().expect("a canonical path");
        let (home, private, tree) = (base.join("home"), base.join("home/private"), base.join("home/tree"));
        git2::Repository::init(&private).expect("a repository");
        fs::create_dir_all(&tree).expect("folders");
        let says_so = |tree: &Path| open(&home, tree).expect("a folder").refused_git().is_some();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", private.join(".git").display())).expect("a file");
        let places = |tree: &Path| open(&home, tree).expect("a work tree").git_places();
        assert_eq!(places(&tree), [tree.join(".git")]);
        assert!(says_so(&tree));

        fs::remove_file(tree.join(".git")).expect("a file");
        git2::Repository::init(&tree).expect("a repository");
        fs::write(tree.join(".git/commondir"), private.join(".git").as_os_str().as_encoded_bytes()).expect("a file");
        assert_eq!(places(&tree), [tree.join(".git")]);
        assert_eq!(places(&private), [private.join(".git")]);
        assert!(says_so(&tree) && !says_so(&private));

        fs::remove_file(tree.join(".git/commondir")).expect("a file");
        let settings = git2::Repository::open(&tree).and_then(|repository| repository.config());
        let elsewhere = private.to_str().expect("UTF-8");
        settings.and_then(|mut settings| settings.set_str("core.worktree", elsewhere)).expect("a setting");
        assert_eq!(open(&home, &tree).expect("a folder").root(), tree);
    }

    #[test]
    fn missing_folders_files_and_bare_repositories_are_told_apart() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| world.path().join(name);
        assert!(matches!(Repository::open(&at("nowhere")), Err(WorkspaceError::Missing(_))));
        fs::write(at("file"), "").expect("a file");
        assert!(matches!(Repository::open(&at("file")), Err(WorkspaceError::NotAFolder(_))));
        assert!(matches!(Repository::open(&at("file/below")), Err(WorkspaceError::NotAFolder(_))));
        git2::Repository::init_bare(at("bare")).expect("a repository");
        assert!(matches!(Repository::open(&at("bare")), Err(WorkspaceError::Bare(_))));
        git2::Repository::init(at("work")).expect("a repository");
        assert!(matches!(Repository::open(&at("work/.git/refs")), Err(WorkspaceError::InsideGit(_))));
    }
}
