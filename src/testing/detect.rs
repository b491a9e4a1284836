//! Finds the test command that a repository implies.
//!
//! Searches from the user's current folder up to the root, in each for every kind of project in a fixed order; the
//! nearest match wins. Nothing is executed. Cases are in `fixtures/detect`.

use std::path::{Path, PathBuf};

use super::{python, runners};
use crate::journal::RelPath;
use crate::settings::{RepositoryFiles, TestCommand};

/// A test command and the file that implies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The command, with the folder that it runs in.
    pub command: TestCommand,
    /// Origin for messages: `found in crates/core/Cargo.toml`.
    pub origin: String,
}

/// A folder that may hold a project.
pub(super) struct ProjectFolder<'a> {
    pub files: &'a RepositoryFiles,
    /// Relative to the root; empty for the root itself.
    pub path: PathBuf,
    /// Whether a program is on the search path; asked only for programs that a project may name without having them.
    pub installed: &'a dyn Fn(&str) -> bool,
}

/// A command for a folder, and the name of the file that implies it.
pub(super) type DetectedCommand = Option<(TestCommand, String)>;

/// In order of precedence. Kinds that name a test runner come before those that may hide any runner (make, a script).
const KINDS: [fn(&ProjectFolder) -> DetectedCommand; 17] = [
    runners::cargo,
    runners::go,
    python::project,
    runners::node,
    runners::deno,
    runners::maven,
    runners::gradle,
    runners::dotnet,
    runners::phpunit,
    runners::ruby,
    runners::mix,
    runners::ctest,
    runners::make,
    runners::just,
    runners::tox,
    python::loose_tests,
    runners::script,
];

/// Returns the test command of the project nearest to `focus`, a folder below `root`; of the root if it is `None`.
#[must_use]
pub fn detect(root: &Path, focus: Option<&RelPath>) -> Option<Detected> {
    detect_with(root, focus.map_or(Path::new(""), RelPath::as_path), &is_installed)
}

/// Whether a program of this name is on the search path.
pub(super) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn detect_with(root: &Path, start: &Path, installed: &dyn Fn(&str) -> bool) -> Option<Detected> {
    let files = RepositoryFiles::open(root).ok()?;
    let mut folders = start.ancestors().map(|path| ProjectFolder { files: &files, path: path.to_owned(), installed });
    folders.find_map(|folder| in_folder(&folder))
}

/// Detects a command by the files of this folder alone.
pub(super) fn in_folder(folder: &ProjectFolder) -> Option<Detected> {
    let (command, file) = KINDS.iter().find_map(|kind| kind(folder))?;
    let origin = format!("found in {}", folder.path.join(file).display());
    Some(Detected { command: command.in_dir(RelPath::from_path(&folder.path).ok()), origin })
}

impl ProjectFolder<'_> {
    /// Bytes read of a manifest.
    const MAX_BYTES: u64 = 512 * 1024;

    /// Returns the text of a file in this folder.
    pub(super) fn text(&self, name: impl AsRef<Path>) -> Option<String> {
        self.files.read(self.path.join(name), Self::MAX_BYTES).map(|file| file.text())
    }

    pub(super) fn has(&self, name: impl AsRef<Path>) -> bool {
        self.files.has(self.path.join(name))
    }

    pub(super) fn is_executable(&self, name: impl AsRef<Path>) -> bool {
        self.files.is_executable(self.path.join(name))
    }

    /// Returns the first of `names` that exists.
    pub(super) fn first<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// Returns this folder and its parents up to the root, as paths from this folder: ``, `..`, `../..`.
    pub(super) fn upwards(&self) -> impl Iterator<Item = (PathBuf, &Path)> {
        let up = |steps| std::iter::repeat_n("..", steps).collect::<PathBuf>();
        self.path.ancestors().enumerate().map(move |(steps, folder)| (up(steps), folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::nearby_projects::near;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Unpacks a case: lines before the first `-- name --` are `key: value`, then come the files.
    /// `-- name (executable) --` sets the mode, `-- name -> target --` makes a link.
    fn unpack(case: &str, root: &Path) -> Case {
        let (head, files) = case.split_once("-- ").expect("a file");
        let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)).map(|text| text.trim().to_owned());
        for file in files.split("\n-- ") {
            let (name, text) = file.split_once(" --").expect("a name");
            let text = text.strip_prefix('\n').unwrap_or(text);
            let (name, link) = name.split_once(" -> ").map_or((name, None), |(name, link)| (name, Some(link)));
            let (name, mode) = name.strip_suffix(" (executable)").map_or((name, 0o644), |name| (name, 0o755));
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
            if let Some(target) = link {
                symlink(target, &path).expect("a link");
                continue;
            }
            fs::write(&path, text).expect("it can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        let paths =
            |key| value(key).unwrap_or_default().split(' ').filter_map(|path| RelPath::new(path).ok()).collect();
        Case {
            focus: value("focus:").and_then(|path| RelPath::new(&path).ok()),
            changed: paths("changed:"),
            installed: value("installed:").unwrap_or_default(),
            expected: value("expected:").expect("an expectation"),
        }
    }

    struct Case {
        focus: Option<RelPath>,
        changed: Vec<RelPath>,
        installed: String,
        expected: String,
    }

    #[test]
    fn each_repository_implies_the_expected_command() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/detect");
        let mut seen = 0;
        for entry in fs::read_dir(cases).expect("the fixtures").flatten() {
            if entry.path().extension().is_none_or(|extension| extension != "txt") {
                continue;
            }
            let root = tempfile::tempdir().expect("a folder");
            let case = fs::read_to_string(entry.path()).expect("a case");
            let Case { focus, changed, installed, expected } = unpack(&case, root.path());
            let start = focus.as_ref().map_or(Path::new(""), RelPath::as_path);
            let is_installed = |program: &str| installed == program;
            let chosen = detect_with(root.path(), start, &is_installed);
            let detected = match &changed[..] {
                [] => chosen.into_iter().collect(),
                changed => near(root.path(), changed, chosen.map(|chosen| chosen.command).as_ref(), &is_installed),
            };
            let told = detected.iter().map(|Detected { command, origin }| match &command.dir {
                Some(dir) => format!("{command} (in {dir}), {origin}"),
                None => format!("{command}, {origin}"),
            });
            let told = told.collect::<Vec<_>>().join("; ");
            let actual = if told.is_empty() { "nothing".to_owned() } else { told };
            assert_eq!(actual, expected, "{}", entry.path().display());
            seen += 1;
        }
        assert!(seen >= 40, "only {seen} cases were found");
    }
}
