//! A temporary world: a project, a run's folder, and a `git` that no user's settings reach.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kcode::journal::RelPath;
use kcode::workspace::{Patch, Repository, Touched, View};

/// What stands at a path: the git mode, and the content or the link's target.
pub type Tree = BTreeMap<Vec<u8>, (u32, Vec<u8>)>;

pub struct World {
    folder: tempfile::TempDir,
    project: PathBuf,
}

impl World {
    /// A world with an empty project.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("kcode-test-").tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, project: "project".into() }
    }

    /// A world whose project is a git repository with nothing in it.
    pub fn with_git() -> Self {
        let world = Self::new();
        world.git(&["init", "-q", "-b", "main"]);
        world
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join(&self.project)
    }

    /// The same world with another folder as the project.
    pub fn focused_on(self, project: &str) -> Self {
        Self { project: project.into(), ..self }
    }

    pub fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        write(&self.root().join(path), content.as_ref());
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.root(), arguments).unwrap()
    }

    pub fn commit_all(&self) {
        self.git(&["add", "-A", "-f"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "start"]);
    }

    pub fn commit_some(&self, paths: &[&str]) {
        self.git(&[&["add", "-f"], paths].concat());
        self.git(&["commit", "-q", "-m", "start"]);
    }

    pub fn repository(&self) -> Repository {
        Repository::open(&self.root()).unwrap()
    }

    pub fn view(&self) -> View {
        View::create(&self.repository(), &self.run(), &["node_modules".to_owned(), ".venv".to_owned()]).unwrap()
    }

    /// A copy of the project as it stands, to try patches on.
    pub fn copy_of_project(&self, name: &str) -> PathBuf {
        let copy = self.beside(name);
        let status = Command::new("cp").arg("-a").arg(self.root()).arg(&copy).status().unwrap();
        assert!(status.success());
        copy
    }
}

pub fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

pub fn link(target: &str, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

pub fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn isolated_git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir);
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")]);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
    }
    command.args(["-c", "protocol.file.allow=always", "-C"]).arg(dir);
    command
}

/// Runs git in `dir`; its output, or its complaint.
pub fn git(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = isolated_git(dir).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// `git apply`, checked first.
pub fn git_apply(dir: &Path, patch: &Patch) -> Result<(), String> {
    for arguments in [&["apply", "--check"][..], &["apply"]] {
        let mut child = isolated_git(dir).args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&patch.bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    Ok(())
}

/// The patch after a full look.
pub fn full_patch(view: &View) -> Patch {
    view.patch(Touched::Anything).unwrap()
}

/// Files and links below `root`, without `.git`.
pub fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    read_tree(root, root, &|path| path.file_name().is_some_and(|name| name == ".git"), &mut found);
    found
}

/// Files and links below `root`, `.git` included: what must not change.
pub fn everything(root: &Path) -> Tree {
    let mut found = Tree::new();
    read_tree(root, root, &|_| false, &mut found);
    found
}

fn read_tree(root: &Path, folder: &Path, skip: &dyn Fn(&Path) -> bool, found: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
        if skip(&path) {
            continue;
        }
        if metadata.is_dir() {
            read_tree(root, &path, skip, found);
        } else if metadata.is_symlink() {
            found.insert(name, (0o120_000, fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()));
        } else if metadata.is_file() {
            let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
            found.insert(name, (mode, fs::read(&path).unwrap()));
        }
    }
}
