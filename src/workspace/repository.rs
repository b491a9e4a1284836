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

    /// Where git keeps what it knows: canonical, each once, none below another.
    pub(super) fn git_places(&self) -> Vec<PathBuf> {
        let folders = match self.git {
            GitAccess::None => Vec::new(),
            GitAccess::Library => git2::Repository::open(&self.root)
                .map(|repository| vec![repository.path().to_owned(), repository.commondir().to_owned()])
                .unwrap_or_default(),
            GitAccess::Command => ["--absolute-git-dir", "--git-common-dir"]
                .iter()
                .filter_map(|option| git::line(&self.root, ["rev-parse", option]))
                .map(|path| self.root.join(OsString::from_vec(path)))
                .collect(),
        };
        let places = folders.into_iter().chain([self.root.join(".git")]);
        let places: BTreeSet<PathBuf> = places.filter_map(|place| fs::canonicalize(place).ok()).collect();
        let covered = |place: &PathBuf| places.iter().any(|other| other != place && place.starts_with(other));
        // What holds the whole tree can't be set apart from it.
        places.iter().filter(|place| !covered(place) && !self.root.starts_with(place)).cloned().collect()
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
    if let Ok(repository) = git2::Repository::open(&git_dir) {
        let Some(workdir) = repository.workdir() else { return Err(WorkspaceError::Bare(git_dir)) };
        let root = fs::canonicalize(workdir)
            .map_err(|source| WorkspaceError::Unreadable { path: workdir.to_owned(), source })?;
        if start.starts_with(fs::canonicalize(repository.path()).unwrap_or(git_dir)) {
            return Err(WorkspaceError::InsideGit(start.to_owned()));
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
