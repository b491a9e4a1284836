//! A temporary world: a project with a bug, a home and a state folder of its own, and the binary in an environment
//! that nothing of the machine's user reaches.

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::laws;
use crate::ran::Ran;
use crate::running::Running;
use crate::setups::Setup;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::users::{give, startable};
use crate::tree::Tree;

/// What the project needs.
pub const TASK: &str = "the greeting is misspelt";
/// What mends it.
pub const EDIT: &str = r#"{"path": "greeting.txt", "old_text": "Wrold", "new_text": "World"}"#;

/// The conversation that mends the project: a look, the edit, the end.
pub fn mending() -> Vec<Answer> {
    vec![
        Answer::call("read_file", r#"{"path": "greeting.txt"}"#),
        Answer::call("edit_file", EDIT),
        Answer::text("The greeting was misspelt; it isn't any more."),
    ]
}

/// A mock that plays [`mending`].
pub fn mender() -> MockKimi {
    MockKimi::script(mending())
}

/// A mock that says one thing first and another from then on.
pub fn first_then(first: Answer, later: Answer) -> MockKimi {
    let mut first = Some(first);
    MockKimi::answering(move |_| first.take().unwrap_or_else(|| later.clone()))
}

/// The same test on many cases, all at the same time: most of it is waiting.
pub fn together<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let test = &test;
        let running: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || test(case))).collect();
        for case in running {
            case.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// The same test on many more cases than can run at the same time.
pub fn in_turns<T: Sync>(cases: &[T], test: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let at_once = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    together(0..at_once, |_| {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            test(case);
        }
    });
}

/// This machine's Rust toolchain: the folder of its programs.
pub fn rust_programs() -> PathBuf {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    Path::new(String::from_utf8(sysroot).unwrap().trim()).join("bin")
}

/// Opens that toolchain to a run. One of rustup's is in the home that these tests run in, which isn't the world's.
pub fn open_rust(command: &mut Command) {
    let programs = rust_programs();
    if let Some(toolchains) = programs.ancestors().nth(2).filter(|folder| folder.ends_with("toolchains")) {
        command.env("RUSTUP_HOME", toolchains.parent().unwrap());
    }
}

pub struct World {
    folder: tempfile::TempDir,
    files: Cell<usize>,
    pub setup: Setup,
}

impl World {
    /// A git repository whose one test fails until its greeting is mended.
    pub fn new() -> Self {
        let world = Self::without_git();
        world.git(&["init", "-q", "-b", "main"]);
        world.commit_all();
        world
    }

    /// The same project in a plain folder.
    pub fn without_git() -> Self {
        let world = Self::empty();
        world.write("greeting.txt", "Hello, Wrold!\n");
        world.write("docs/about.md", "# About\n\nA greeting.\n");
        world.write(".gitignore", "/build/\n");
        world.write(".kcode.toml", "[test]\ncommand = \"./test.sh\"\n");
        world.write_test("grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'");
        symlink("greeting.txt", world.root().join("link.txt")).unwrap();
        world
    }

    /// A project without a file.
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("kcode-e2e-").tempdir().unwrap();
        let world = Self { folder, files: Cell::new(0), setup: Setup::default() };
        for name in ["project", "home", "tmp", "output", "root"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world
    }

    /// The same world, used by another user or with another kernel.
    pub fn used_by(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    /// Gives its user whatever was added.
    fn hand_over(&self) {
        let Some(uid) = self.setup.uid else { return };
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|entry| *entry != self.roots()).for_each(|entry| give(&entry, uid));
        chown(self.folder.path(), Some(uid), Some(uid)).unwrap();
    }

    /// What stays root's.
    fn roots(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// A file or folder of this world, beside the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("project")
    }

    /// `KCODE_HOME`.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// Replaces the project's test by a shell script.
    pub fn write_test(&self, script: &str) {
        self.write("test.sh", format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.root().join("test.sh"), Permissions::from_mode(0o755)).unwrap();
    }

    /// Adds lines to the user's own settings.
    pub fn configure(&self, lines: &str) {
        let folder = self.path("home/.config/kcode");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("config.toml");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, format!("{before}{lines}\n")).unwrap();
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.root(), arguments)
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        // A commit starts maintenance that runs on in the background; nothing here may outlive its test.
        let quiet = ["-c", "maintenance.auto=false", "-c", "gc.auto=0"];
        let mut command = self.isolated("git");
        self.hand_over();
        self.setup.lend(&mut command);
        let output = command.args(quiet).current_dir(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn commit_all(&self) {
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "start"]);
    }

    /// A program in an environment of this world alone.
    fn isolated(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap();
        command.env_clear().env("PATH", path).env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC");
        command
    }

    /// `kcode` with these arguments in the project, without a key.
    pub fn kcode(&self, arguments: &[&str]) -> Command {
        let program = Path::new(assert_cmd::cargo::cargo_bin!("kcode"));
        let program = self.setup.uid.map_or_else(|| program.to_owned(), |_| startable(program, &self.roots()));
        let mut command = self.isolated(program);
        command.args(arguments).current_dir(self.root()).env("KCODE_HOME", self.state()).stdin(Stdio::null());
        // However busy the machine is: what is left is a fault, unless a test is about that.
        command.env("KCODE_TEST_TIME_TO_REMOVE_MS", "60000");
        command
    }

    /// The same with the mock's key and URL.
    pub fn keyed(&self, kimi: &MockKimi, arguments: &[&str]) -> Command {
        let mut command = self.kcode(arguments);
        command.env("KCODE_API_KEY", MockKimi::KEY).env("KCODE_BASE_URL", kimi.base_url());
        command
    }

    /// `kcode fix TASK` with further arguments, to its end.
    pub fn fix(&self, kimi: &MockKimi, arguments: &[&str]) -> Ran {
        self.run(self.keyed(kimi, &[&["fix", TASK], arguments].concat()))
    }

    /// A command to its end. Whatever it was, the tree stays as it is.
    pub fn run(&self, command: Command) -> Ran {
        let before = Tree::of(&self.root());
        let ran = self.run_freely(command);
        before.assert_same(&Tree::of(&self.root()));
        ran
    }

    /// A command that may change the tree.
    pub fn run_freely(&self, command: Command) -> Ran {
        let ran = self.start(command).wait();
        laws::hold(self, &ran);
        ran
    }

    /// A command that goes on while the test does.
    pub fn start(&self, command: Command) -> Running {
        let number = self.files.replace(self.files.get() + 1);
        let (out, err) = (self.path(&format!("output/{number}.out")), self.path(&format!("output/{number}.err")));
        self.hand_over();
        let child = self.setup.start(command, &out, &err, &self.roots());
        Running::new(child, out, err, self.state())
    }

    /// The folders of this world's runs.
    pub fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.state().join("runs")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}
