//! The role of a file for the tests, by its path.

use super::language::Language;
use crate::journal::RelPath;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A file in which the runner looks for tests.
    Test,
    /// Code that tests use: `conftest.py`, helpers in a test folder.
    Support,
    /// Output that a runner recorded and compares with.
    Snapshot,
    /// Values that tests read: files in a test folder that aren't code.
    TestData,
    /// Settings of how tests are found and run.
    Configuration,
    /// Settings of how a CI server runs the tests.
    Ci,
    Source,
}

const TEST_FOLDERS: [&str; 11] = [
    "test",
    "tests",
    "testing",
    "spec",
    "specs",
    "__tests__",
    "e2e",
    "testsuite",
    "integration_tests",
    "unittests",
    "cypress",
];
const SNAPSHOT_ENDINGS: [&str; 8] =
    [".snap", ".snap.new", ".ambr", ".golden", ".approved.txt", ".verified.txt", ".snapshot", ".gold"];
const SNAPSHOT_FOLDERS: [&str; 6] =
    ["__snapshots__", "snapshots", "__image_snapshots__", "golden", "goldens", "goldenfiles"];
const DATA_FOLDERS: [&str; 3] = ["testdata", "fixtures", "__fixtures__"];
/// Suffixes of files that Go builds only for other systems.
const OTHER_SYSTEMS: [&str; 12] = [
    "_windows",
    "_plan9",
    "_js",
    "_wasm",
    "_android",
    "_ios",
    "_aix",
    "_solaris",
    "_dragonfly",
    "_illumos",
    "_wasip1",
    "_mips",
];
const CI: [&str; 9] = [
    ".github/workflows/",
    ".circleci/",
    ".gitlab-ci.yml",
    "azure-pipelines",
    ".travis.yml",
    "jenkinsfile",
    ".buildkite/",
    "appveyor.yml",
    ".drone.yml",
];

impl Role {
    pub(super) fn of(path: &RelPath) -> Self {
        let path_text = path.as_str().to_lowercase();
        let (folders, name) = path_text.rsplit_once('/').unwrap_or(("", &path_text));
        let in_one_of = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
        let in_tests = in_one_of(&TEST_FOLDERS) || folders.split('/').any(|folder| has_ending(folder, "tests"));
        let is_code = Language::of(path) != Language::Other;
        if CI.iter().any(|start| path_text.starts_with(start) || name == *start) {
            Self::Ci
        } else if is_configuration(name, &path_text) {
            Self::Configuration
        } else if SNAPSHOT_ENDINGS.iter().any(|ending| name.ends_with(ending))
            || in_one_of(&SNAPSHOT_FOLDERS) && (!is_code || in_one_of(&["__snapshots__"]))
        {
            Self::Snapshot
        } else if is_found(path) || name.ends_with("_test.go") {
            Self::Test
        } else if is_support(name) || in_tests && is_code {
            Self::Support
        } else if in_one_of(&DATA_FOLDERS) && !is_code || in_tests {
            Self::TestData
        } else {
            Self::Source
        }
    }

    /// Whether it is a test or code that tests use.
    pub(super) fn is_of_tests(self) -> bool {
        matches!(self, Self::Test | Self::Support)
    }
}

fn is_support(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    ["conftest", "spec_helper", "rails_helper", "test_helper", "testhelper", "setuptests", "jest.setup"].contains(&stem)
        || ["testutil", "test_util", "test_support", "testutils", "test_utils", "test-utils"]
            .iter()
            .any(|word| stem.starts_with(word))
        || (name.contains("setup") && (name.contains("jest") || name.contains("vitest") || name.contains("test")))
}

fn is_configuration(name: &str, path: &str) -> bool {
    const NAMES: [&str; 28] = [
        "pytest.ini",
        ".pytest.ini",
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        "noxfile.py",
        ".coveragerc",
        "package.json",
        "cargo.toml",
        "makefile",
        "gnumakefile",
        "justfile",
        "taskfile.yml",
        "rakefile",
        ".rspec",
        "phpunit.xml",
        "phpunit.xml.dist",
        "phpunit.dist.xml",
        "composer.json",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "test.sh",
        "run_tests.sh",
        "run-tests.sh",
        "runtests.py",
        "cmakelists.txt",
        "deno.json",
    ];
    const STARTS: [&str; 10] = [
        "jest.config",
        "vitest.config",
        "vitest.workspace",
        ".mocharc",
        "karma.conf",
        "playwright.config",
        "ava.config",
        ".taprc",
        "web-test-runner.config",
        "jasmine.json",
    ];
    NAMES.contains(&name)
        || STARTS.iter().any(|start| name.starts_with(start))
        || path.ends_with(".cargo/config.toml")
        || path.ends_with(".cargo/config")
        || path.ends_with(".config/nextest.toml")
        || name.ends_with(".csproj")
        || name.ends_with(".runsettings")
}

/// Whether a file is a test or code that tests use, so that no shipped code depends on it.
#[must_use]
pub fn is_of_tests(path: &RelPath) -> bool {
    Role::of(path).is_of_tests()
}

/// Whether a file is a test, or its support code, snapshot or data: tests can't run without it.
#[must_use]
pub fn goes_with_tests(path: &RelPath) -> bool {
    matches!(Role::of(path), Role::Test | Role::Support | Role::Snapshot | Role::TestData)
}

/// Whether the language's usual runner looks for tests in a file of this name.
pub(super) fn is_found(path: &RelPath) -> bool {
    let path_text = path.as_str();
    let (folders, name) = path_text.rsplit_once('/').unwrap_or(("", path_text));
    let stem = name.split('.').next().unwrap_or_default();
    let in_tests = folders.split('/').any(|folder| TEST_FOLDERS.contains(&folder.to_lowercase().as_str()));
    match Language::of(path) {
        Language::Python => {
            stem != "conftest" && (stem.starts_with("test") || stem.ends_with("_test") || stem.ends_with("_tests"))
        }
        Language::Rust => in_tests || stem.ends_with("test") || stem.ends_with("tests") || stem.starts_with("test"),
        Language::JavaScript => {
            name.contains(".test.")
                || name.contains(".spec.")
                || name.contains(".cy.")
                || in_tests && !is_support(&name.to_lowercase())
                || stem == "test"
                || stem.starts_with("test-")
                || stem.ends_with("-test")
                || stem.ends_with("_test")
        }
        Language::Go => {
            name.strip_suffix("_test.go").is_some_and(|stem| !OTHER_SYSTEMS.iter().any(|system| stem.ends_with(system)))
        }
        Language::Java | Language::Kotlin | Language::CSharp | Language::Php => {
            ["Test", "Tests", "TestCase", "IT", "Spec", "ITCase"].iter().any(|end| stem.ends_with(end))
                || stem.starts_with("Test")
                || has_ending(name, "phpt")
                || in_tests && Language::of(path) == Language::Php && folders.to_lowercase().contains("feature")
        }
        Language::Ruby => stem.ends_with("_test") || stem.ends_with("_spec") || stem.starts_with("test_"),
        Language::Shell => has_ending(name, "bats") || stem.starts_with("test") || stem.ends_with("_test"),
        Language::Other => in_tests && stem.to_lowercase().contains("test") && name.contains('.') && !is_prose(name),
    }
}

/// Compares the part after the last dot.
pub(super) fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, other)| other == ending)
}

fn is_prose(name: &str) -> bool {
    ["md", "txt", "rst", "json", "yml", "yaml", "toml", "lock", "html", "xml", "csv", "out", "svg", "css"]
        .contains(&name.rsplit('.').next().unwrap_or_default())
}
