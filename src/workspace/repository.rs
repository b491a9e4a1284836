//! Where the user's project is: its root, the folder the user stood in, its HEAD.
//!
//! Discovery climbs from the given folder. libgit2 is asked first, the `git` command when libgit2
//! can't open what it found, and a folder that neither opens is still a folder that kcode can work in.
//! The home folder, anything that holds it, and `/` are refused, also when discovery climbs there:
//! a private view of them would be a copy of a person's whole life.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::{WorkspaceError, file_state, git};
use crate::journal::RelPath;

/// How the repository's git data can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitAccess {
    /// libgit2 opens it.
    Library,
    /// Only the `git` command does.
    Command,
    /// There is no git here, or none that opens.
    None,
}

/// The hash that names objects; binary patches must carry full names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectFormat {
    Sha1,
    Sha256,
}

/// What HEAD names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit's full hash; `None` on an unborn branch.
    pub commit: Option<String>,
    /// The branch's short name; `None` when HEAD is detached.
    pub branch: Option<String>,
}

/// An opened project folder.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
    focus: Option<RelPath>,
    git: GitAccess,
    pub(super) object_format: ObjectFormat,
}

/// What discovery found.
struct Discovered {
    root: PathBuf,
    git: GitAccess,
    object_format: ObjectFormat,
}

impl Repository {
    /// Opens the project that `dir` belongs to: the work tree around it, or `dir` itself when there is no git.
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
        let Discovered { root, git, object_format } = discover(&start)?;
        refuse_home(home, &root, &start)?;
        let focus = file_state::relative(&root, &start).and_then(|path| RelPath::from_path(&path).ok());
        Ok(Self { root, focus, git, object_format })
    }

    /// The top of the work tree, canonical.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The subfolder that the user stood in.
    #[must_use]
    pub fn focus(&self) -> Option<&RelPath> {
        self.focus.as_ref()
    }

    /// The same repository, seen from another folder below its root.
    #[must_use]
    pub fn seen_from(self, focus: Option<RelPath>) -> Self {
        Self { focus, ..self }
    }

    /// How git data can be read here.
    #[must_use]
    pub fn git(&self) -> GitAccess {
        self.git
    }

    /// What HEAD names; `None` without git.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        match self.git {
            GitAccess::None => None,
            GitAccess::Library => self.library_head().or_else(|| Some(self.command_head())),
            GitAccess::Command => Some(self.command_head()),
        }
    }

    /// Where git keeps what it knows of this tree: canonical, each once, none below another. A folder elsewhere that doesn't
    /// know of this tree isn't among them: a repository may name any folder as git's.
    pub(super) fn git_places(&self) -> Vec<PathBuf> {
        let pointer = fs::canonicalize(self.root.join(".git")).ok();
        let [own, common] = self.git_folders().map(|folder| fs::canonicalize(folder?).ok());
        let inside = |place: &PathBuf| place.starts_with(&self.root);
        let own = own.filter(|own| inside(own) || self.is_known_to(own));
        let common = common.filter(|common| inside(common) || own.as_ref().is_some_and(|own| own.starts_with(common)));
        let places: BTreeSet<PathBuf> = pointer.filter(inside).into_iter().chain(own).chain(common).collect();
        let covered = |place: &PathBuf| places.iter().any(|other| other != place && place.starts_with(other));
        // What holds the whole tree can't be set apart from it.
        places.iter().filter(|place| !covered(place) && !self.root.starts_with(place)).cloned().collect()
    }

    /// The folder of this work tree, and that of the repository which it belongs to.
    fn git_folders(&self) -> [Option<PathBuf>; 2] {
        let opened = || git2::Repository::open(&self.root).ok();
        match self.git {
            GitAccess::None => [None, None],
            GitAccess::Library => opened().map_or([None, None], |repository| {
                [Some(repository.path().to_owned()), Some(repository.commondir().to_owned())]
            }),
            GitAccess::Command => ["--absolute-git-dir", "--git-common-dir"].map(|option| {
                let path = git::line(&self.root, ["rev-parse", option])?;
                Some(self.root.join(OsString::from_vec(path)))
            }),
        }
    }

    /// Whether git's `folder` names this tree as its own: that of a linked worktree in a file, that of a submodule in its
    /// settings.
    fn is_known_to(&self, folder: &Path) -> bool {
        let leads = |path: String, to: &Path| {
            let path = fs::canonicalize(folder.join(path.trim_end()));
            path.is_ok_and(|path| path == to)
        };
        let worktree = || git2::Config::open(&folder.join("config")).ok()?.get_string("core.worktree").ok();
        fs::read_to_string(folder.join("gitdir")).is_ok_and(|path| leads(path, &self.root.join(".git")))
            || worktree().is_some_and(|path| leads(path, &self.root))
    }

    /// The file of ignore rules that belongs to this clone alone; it may not exist.
    pub(super) fn exclude_file(&self) -> Option<PathBuf> {
        match self.git {
            GitAccess::None => None,
            GitAccess::Library => Some(git2::Repository::open(&self.root).ok()?.commondir().join("info/exclude")),
            GitAccess::Command => {
                let path = git::line(&self.root, ["rev-parse", "--git-path", "info/exclude"])?;
                Some(self.root.join(OsString::from_vec(path)))
            }
        }
    }

    fn library_head(&self) -> Option<Head> {
        let repository = git2::Repository::open(&self.root).ok()?;
        let head = repository.find_reference("HEAD").ok()?;
        let branch = head.symbolic_target().ok().flatten().map(short_branch);
        let commit = repository.head().ok().and_then(|reference| reference.peel_to_commit().ok());
        Some(Head { commit: commit.map(|commit| commit.id().to_string()), branch })
    }

    fn command_head(&self) -> Head {
        let text = |command, option| {
            let line =
                git::line(&self.root, [command, "--quiet", option, "HEAD"].into_iter().filter(|word| !word.is_empty()));
            line.map(|line| String::from_utf8_lossy(&line).into_owned())
        };
        Head { commit: text("rev-parse", "--verify"), branch: text("symbolic-ref", "").map(|name| short_branch(&name)) }
    }
}

fn short_branch(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}

/// The work tree around `start`.
fn discover(start: &Path) -> Result<Discovered, WorkspaceError> {
    let plain =
        |root: &Path| Discovered { root: root.to_owned(), git: GitAccess::None, object_format: ObjectFormat::Sha1 };
    let Ok(git_dir) = git2::Repository::discover_path(start, std::iter::empty::<&Path>()) else {
        // libgit2 judges a `.git` by its layout; git may know a newer one.
        return match start.ancestors().find(|folder| folder.join(".git").exists()) {
            Some(root) => ask_command(start)?.map_or_else(|| Ok(plain(root)), Ok),
            None => Ok(plain(start)),
        };
    };
    // By the way that leads there: a folder of git's elsewhere may not know its work tree.
    let way = git2::Repository::open_ext(start, git2::RepositoryOpenFlags::empty(), std::iter::empty::<&Path>());
    if let Ok(repository) = way {
        let Some(workdir) = repository.workdir() else { return Err(WorkspaceError::Bare(git_dir)) };
        let root = fs::canonicalize(workdir)
            .map_err(|source| WorkspaceError::Unreadable { path: workdir.to_owned(), source })?;
        if start.starts_with(fs::canonicalize(repository.path()).unwrap_or(git_dir)) {
            return Err(WorkspaceError::InsideGit(start.to_owned()));
        }
        // Git's settings may name any folder as the work tree; only one that the user stands in was asked for.
        if !start.starts_with(&root) {
            return Ok(plain(start));
        }
        return Ok(Discovered { root, git: GitAccess::Library, object_format: ObjectFormat::Sha1 });
    }
    if start.starts_with(&git_dir) && git_dir.ends_with(".git") {
        return Err(WorkspaceError::InsideGit(start.to_owned()));
    }
    match ask_command(start)? {
        Some(discovered) => Ok(discovered),
        None => Ok(plain(start.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(start))),
    }
}

/// What the `git` command makes of `start`; `None` when it can't tell.
fn ask_command(start: &Path) -> Result<Option<Discovered>, WorkspaceError> {
    if git::line(start, ["rev-parse", "--is-bare-repository"]).as_deref() == Some(b"true") {
        return Err(WorkspaceError::Bare(start.to_owned()));
    }
    let Some(top) = git::line(start, ["rev-parse", "--show-toplevel"]) else { return Ok(None) };
    let Ok(root) = fs::canonicalize(OsString::from_vec(top)) else { return Ok(None) };
    if !start.starts_with(&root) {
        return Ok(None);
    }
    let sha256 = git::line(start, ["rev-parse", "--show-object-format"]).as_deref() == Some(b"sha256");
    let object_format = if sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
    Ok(Some(Discovered { root, git: GitAccess::Command, object_format }))
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
        fs::write(tree.join(".git"), format!("gitdir: {}\n", private.join(".git").display())).expect("a file");
        let places = |tree: &Path| open(&home, tree).expect("a work tree").git_places();
        assert_eq!(places(&tree), [tree.join(".git")]);

        fs::remove_file(tree.join(".git")).expect("a file");
        git2::Repository::init(&tree).expect("a repository");
        fs::write(tree.join(".git/commondir"), private.join(".git").as_os_str().as_encoded_bytes()).expect("a file");
        assert_eq!(places(&tree), [tree.join(".git")]);
        assert_eq!(places(&private), [private.join(".git")]);

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
