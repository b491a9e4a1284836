//! A user's home with secrets in it, a project, and a run below the user's state folder; all of it temporary.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::users::{give, reachable};

/// Stands in every file that nobody may read.
pub const CANARY: &str = "canary-d41d8c";

/// Files of the home that hold something.
const HOME: [&str; 15] = [
    ".aws/credentials",
    ".bashrc",
    ".cargo/credentials.toml",
    ".config/gh/hosts.yml",
    ".config/kcode/config.toml",
    ".docker/config.json",
    ".git-credentials",
    ".gnupg/secring.gpg",
    ".local/state/kcode/runs/other/journal.jsonl",
    ".netrc",
    ".ssh/authorized_keys",
    ".ssh/id_ed25519",
    "bin/tool",
    "documents/diary.txt",
    "documents/letter.txt",
];
/// Files of the project.
const PROJECT: [&str; 5] = ["greeting.txt", "folder/deep/file.txt", ".git/HEAD", ".git/config", ".git/hooks/sample"];

pub struct World {
    owner: TempDir,
    /// Who the user is; `None` is whoever runs the tests.
    pub uid: Option<u32>,
    pub mark: String,
}

impl World {
    pub fn new(uid: Option<u32>) -> Self {
        Self::below(uid, &reachable(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap_or_else(std::env::temp_dir))
    }

    /// One with no repository around it.
    pub fn apart(uid: Option<u32>) -> Self {
        Self::below(uid, &std::env::temp_dir())
    }

    fn below(uid: Option<u32>, base: &Path) -> Self {
        let mut builder = tempfile::Builder::new();
        let owner = builder.prefix("attack-").tempdir_in(base).or_else(|_| builder.tempdir()).unwrap();
        fs::set_permissions(owner.path(), Permissions::from_mode(0o755)).unwrap();
        let mark = format!("kcode-{}", owner.path().file_name().unwrap().display());
        let world = Self { owner, uid, mark };
        for file in
            HOME.map(|file| world.home().join(file)).into_iter().chain(PROJECT.map(|file| world.project().join(file)))
        {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, format!("{CANARY} of {}\n", file.display())).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        }
        for folder in
            [world.view(), world.run().join("logs"), world.run().join("scratch"), world.outside(), world.desk()]
        {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(world.run().join("journal.jsonl"), CANARY).unwrap();
        fs::write(world.view().join("greeting.txt"), "Hello, Wrold!\n").unwrap();
        if let Some(uid) = uid {
            give(world.folder(), uid);
        }
        world
    }

    pub fn folder(&self) -> &Path {
        self.owner.path()
    }

    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    pub fn project(&self) -> PathBuf {
        self.folder().join("project")
    }

    /// The folder of the run that is attacked.
    pub fn run(&self) -> PathBuf {
        self.home().join(".local/state/kcode/runs/this")
    }

    pub fn view(&self) -> PathBuf {
        self.run().join("view")
    }

    /// Sockets of other programs.
    pub fn outside(&self) -> PathBuf {
        self.folder().join("outside")
    }

    /// What the parts of a test tell one another.
    pub fn desk(&self) -> PathBuf {
        self.folder().join("desk")
    }

    /// Makes folders of the user's.
    pub fn make(&self, folders: &[PathBuf]) {
        for folder in folders {
            fs::create_dir_all(folder).unwrap();
            if let Some(uid) = self.uid {
                give(folder, uid);
            }
        }
    }

    /// Gives the user what was added.
    pub fn hand_over(&self) {
        if let Some(uid) = self.uid {
            give(self.folder(), uid);
        }
    }

    /// Everything that belongs to the user: home and project, but for the run itself.
    pub fn belongings(&self) -> Belongings {
        let mut found = BTreeMap::new();
        for root in [self.home(), self.project()] {
            visit(&root, &self.run(), &mut found);
        }
        found.insert(self.run().join("journal.jsonl"), fs::read_to_string(self.run().join("journal.jsonl")).unwrap());
        Belongings(found)
    }

    /// Asserts that nothing carries this world's mark any more: no file in a folder of the machine, no process.
    pub fn assert_no_trace(&self) {
        for folder in ["/tmp", "/var/tmp", "/dev/shm", "/sys/fs/cgroup"] {
            assert!(!Path::new(folder).join(&self.mark).exists(), "there is a {} in {folder}", self.mark);
        }
        assert_eq!(self.processes(), Vec::<String>::new());
    }

    /// Command lines that bear this world's mark.
    pub fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.contains(&self.mark)).map(|line| line.replace('\0', " ")).collect()
    }
}

/// Paths with type, mode and content.
#[derive(Debug, PartialEq, Eq)]
pub struct Belongings(BTreeMap<PathBuf, String>);

impl Belongings {
    pub fn assert_same(&self, now: &Self) {
        for (path, was) in &self.0 {
            assert_eq!(Some(was), now.0.get(path), "{} was changed", path.display());
        }
        let born: Vec<_> = now.0.keys().filter(|path| !self.0.contains_key(*path)).collect();
        assert!(born.is_empty(), "{born:?} appeared");
    }
}

fn visit(path: &Path, but: &Path, found: &mut BTreeMap<PathBuf, String>) {
    if path == but {
        return;
    }
    let about = fs::symlink_metadata(path).unwrap();
    let content = if about.is_file() { fs::read_to_string(path).unwrap() } else { String::new() };
    found.insert(path.to_owned(), format!("{:o} {} {content}", about.mode(), about.uid()));
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            visit(&entry.unwrap().path(), but, found);
        }
    }
}
