//! Detects Python projects: pytest where it is configured or the tests need it, else unittest.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::detect::{DetectedCommand, ProjectFolder};
use crate::settings::TestCommand;

/// Folders that never contain a project's own tests.
const NOT_OURS: [&str; 6] = ["node_modules", "venv", "env", "site-packages", "build", "dist"];
/// Limits of the search for test files, far beyond what recognising a project needs.
const MAX_DEPTH: usize = 4;
const MAX_FOLDERS: usize = 300;
const MAX_NAMES: usize = 2_000;
const MAX_TEST_FILES: usize = 100;

const PYTEST: [&str; 3] = ["-m", "pytest", "-q"];
const MANIFESTS: [&str; 5] = ["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"];

/// Detects a Python project by a pytest configuration, by Django's `manage.py`, or by a manifest with tests.
pub(super) fn project(folder: &ProjectFolder) -> DetectedCommand {
    if let Some(file) = pytest_configuration(folder) {
        return Some((command(folder, &PYTEST), file.to_owned()));
    }
    if folder.text("manage.py").is_some_and(|text| text.contains("django")) {
        return Some((command(folder, &["manage.py", "test"]), "manage.py".to_owned()));
    }
    folder.first(&MANIFESTS)?;
    loose_tests(folder)
}

/// Detects Python tests without a manifest. Projects of other kinds often have some, so this is tried late.
pub(super) fn loose_tests(folder: &ProjectFolder) -> DetectedCommand {
    let tests = TestFiles::find(folder)?;
    let origin = tests.folder.join(tests.names.first()?).display().to_string();
    if tests.need_pytest(folder) {
        return Some((command(folder, &PYTEST), origin));
    }
    let arguments = tests.discover_arguments(folder);
    let words = ["-m", "unittest", "discover"].into_iter().chain(arguments.iter().map(String::as_str));
    Some((command(folder, &words.collect::<Vec<_>>()), origin))
}

fn command(folder: &ProjectFolder, words: &[&str]) -> TestCommand {
    TestCommand::argv(std::iter::once(interpreter(folder)).chain(words.iter().copied().map(str::to_owned)))
}

/// Returns the file that configures or requires pytest.
fn pytest_configuration(folder: &ProjectFolder) -> Option<&'static str> {
    let sections = [
        ("pytest.ini", ""),
        (".pytest.ini", ""),
        ("pyproject.toml", "[tool.pytest"),
        ("setup.cfg", "[tool:pytest]"),
        ("tox.ini", "[pytest]"),
        ("conftest.py", ""),
        ("tests/conftest.py", ""),
        ("test/conftest.py", ""),
        ("pyproject.toml", "pytest"),
        ("requirements-dev.txt", "pytest"),
        ("requirements-test.txt", "pytest"),
        ("dev-requirements.txt", "pytest"),
        ("test-requirements.txt", "pytest"),
        ("requirements.txt", "pytest"),
    ];
    let says = |(file, words): &&(&str, &str)| folder.text(file).is_some_and(|text| text.contains(words));
    sections.iter().find(says).map(|(file, _)| *file)
}

/// Returns the interpreter of the nearest virtual environment up to the root, else `python3`. It is a link to outside
/// of the repository, so that only its name is checked.
fn interpreter(folder: &ProjectFolder) -> String {
    let in_folder = |(up, path): (PathBuf, &Path)| {
        let has_python = |name: &&str| {
            let programs = folder.files.names(path.join(name).join("bin"), MAX_NAMES);
            programs.iter().any(|program| program == "python")
        };
        let name = [".venv", "venv"].into_iter().find(has_python)?;
        Some(up.join(name).join("bin/python").display().to_string())
    };
    folder.upwards().find_map(in_folder).unwrap_or_else(|| "python3".to_owned())
}

/// Test files of the folder nearest to the project's own that has any.
struct TestFiles {
    /// Path relative to the project's folder; empty for that folder.
    folder: PathBuf,
    /// Sorted, never empty.
    names: Vec<String>,
}

impl TestFiles {
    /// Searches breadth first, so that `tests/` comes before `pkg/deep/tests/`.
    fn find(project: &ProjectFolder) -> Option<Self> {
        let mut queue = VecDeque::from([(PathBuf::new(), 0)]);
        for _ in 0..MAX_FOLDERS {
            let (folder, depth) = queue.pop_front()?;
            let all = project.files.names(project.path.join(&folder), MAX_NAMES);
            let names: Vec<String> =
                all.iter().filter(|name| is_test_file(name)).take(MAX_TEST_FILES).cloned().collect();
            if !names.is_empty() {
                return Some(Self { folder, names });
            }
            let is_ours = |name: &&String| !name.starts_with('.') && !NOT_OURS.contains(&name.as_str());
            let folders = all.iter().filter(is_ours).filter(|name| !name.contains('.') && depth < MAX_DEPTH);
            queue.extend(folders.map(|name| (folder.join(name), depth + 1)));
        }
        None
    }

    /// Whether some file imports pytest, or has bare test functions, which unittest doesn't run.
    fn need_pytest(&self, project: &ProjectFolder) -> bool {
        self.names.iter().filter_map(|name| project.text(self.folder.join(name))).any(|text| {
            let starts = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
            starts(&["import pytest", "from pytest"])
                || (starts(&["def test_", "async def test_"]) && !text.contains("unittest"))
        })
    }

    /// `-s` for the folder; `-t .` if it is a package, since its tests couldn't import one another otherwise; `-p` for
    /// other names.
    fn discover_arguments(&self, project: &ProjectFolder) -> Vec<String> {
        let mut words = Vec::new();
        if !self.folder.as_os_str().is_empty() {
            words.extend(["-s".to_owned(), self.folder.display().to_string()]);
            let mut packages = self.folder.ancestors().filter(|folder| !folder.as_os_str().is_empty());
            if packages.all(|package| project.has(package.join("__init__.py"))) {
                words.extend(["-t".to_owned(), ".".to_owned()]);
            }
        }
        if self.names.iter().all(|name| !name.starts_with("test")) {
            words.extend(["-p".to_owned(), "*_test.py".to_owned()]);
        }
        words
    }
}

fn is_test_file(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test") || stem.ends_with("_test"))
}
