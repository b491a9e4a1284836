//! A workroom in a temporary folder, for the tests of the tools.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kcode::settings::SecretFiles;
use kcode::tools::{self, FatalToolError, Observation, TestRun, TestRunner, ToolContext};
use serde_json::Value;
use tempfile::TempDir;

/// The folder, gone with this value, and the workroom in it.
pub struct World {
    folder: TempDir,
    pub room: ToolContext,
}

impl World {
    pub fn new() -> Self {
        Self::with_tests(None)
    }

    pub fn with_tests(tests: Option<Box<dyn TestRunner + Send + Sync>>) -> Self {
        let folder = TempDir::new().unwrap();
        let open = |name: &str| {
            fs::create_dir(folder.path().join(name)).unwrap();
            Dir::open_ambient_dir(folder.path().join(name), ambient_authority()).unwrap()
        };
        fs::write(folder.path().join("secret"), "outside\n").unwrap();
        let room = ToolContext::new(open("view"), folder.path().join("view"), open("logs"), tests);
        Self { folder, room }
    }

    /// The same world, with files of secrets that the user allows to be read.
    pub fn allowing(self, globs: &[&str]) -> Self {
        let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
        Self { room: self.room.with_secrets(SecretFiles::new(&globs).unwrap(), Vec::new()), ..self }
    }

    /// Where `path` of the view is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("view").join(path)
    }

    pub fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts a file into the view, and its folders.
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
        self
    }

    pub fn log(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join("logs").join(name), content).unwrap();
    }

    pub fn link(&self, target: impl AsRef<Path>, path: &str) -> &Self {
        std::os::unix::fs::symlink(target, self.at(path)).unwrap();
        self
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    pub fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    pub fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[expect(clippy::needless_pass_by_value, reason = "calls are written with json!")]
    pub fn call(&self, tool: &str, arguments: Value) -> Observation {
        let observation = tools::call(&self.room, tool, &arguments.to_string()).unwrap();
        assert!(!observation.text.is_empty() && !observation.summary.is_empty(), "{observation:?}");
        observation
    }

    /// The text of a call that must do what it should.
    pub fn good(&self, tool: &str, arguments: Value) -> String {
        let observation = self.call(tool, arguments);
        assert!(observation.ok, "{}", observation.text);
        observation.text
    }

    /// The text of a call that must be refused and touch nothing.
    pub fn bad(&self, tool: &str, arguments: Value) -> String {
        let observation = self.call(tool, arguments);
        assert!(!observation.ok && observation.touched.is_empty(), "{}", observation.text);
        observation.text
    }
}

/// Answers every run with the same words.
pub struct Scripted(pub Result<TestRun, String>);

impl TestRunner for Scripted {
    fn run(&self, filter: &[String]) -> Result<TestRun, FatalToolError> {
        let mut run = self.0.clone().map_err(FatalToolError::new)?;
        run.command = [vec![run.command], filter.to_vec()].concat().join(" ");
        Ok(run)
    }
}

/// Asserts that `text` contains each of `parts`.
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not said in:\n{text}");
    }
}
