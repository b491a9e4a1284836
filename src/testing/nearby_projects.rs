//! Finds the projects that contain the changed files; in a repository of several projects, their tests must pass, too.
//!
//! Only a folder with a manifest of its own is a project; tests, makefiles and build folders below one belong to it.

use std::collections::BTreeSet;
use std::path::Path;

use super::detect::{Detected, ProjectFolder, in_folder};
use super::runners::MAX_NAMES;
use crate::journal::RelPath;
use crate::settings::{Invocation, RepositoryFiles, TestCommand};

const MANIFESTS: [&str; 16] = [
    "Cargo.toml",
    "go.mod",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "Gemfile",
    "composer.json",
    "phpunit.xml",
    "phpunit.xml.dist",
];
/// .NET manifests are named after the project.
const MANIFEST_ENDINGS: [&str; 5] = ["sln", "slnx", "csproj", "fsproj", "vbproj"];
/// Folders of test data or third-party code.
const NOT_PROJECTS: [&str; 6] = ["fixtures", "__fixtures__", "testdata", "vendor", "third_party", "node_modules"];

/// Returns the test commands of the projects nearest to `changed`, in the repository at `root`: each once, in the order
/// of their folders, without those whose tests `chosen` runs.
#[must_use]
pub fn detect_near(root: &Path, changed: &[RelPath], chosen: Option<&TestCommand>) -> Vec<Detected> {
    near(root, changed, chosen, &super::detect::is_installed)
}

pub(super) fn near(
    root: &Path,
    changed: &[RelPath],
    chosen: Option<&TestCommand>,
    installed: &dyn Fn(&str) -> bool,
) -> Vec<Detected> {
    let Ok(files) = RepositoryFiles::open(root) else { return Vec::new() };
    let folders: BTreeSet<&Path> =
        changed.iter().map(|path| path.as_path().parent().unwrap_or(Path::new(""))).collect();
    let mut projects: Vec<Detected> = Vec::new();
    for start in folders {
        let mut above = start.ancestors().map(|path| ProjectFolder { files: &files, path: path.to_owned(), installed });
        let Some(found) = above.find_map(|folder| is_project(&folder).then(|| in_folder(&folder)).flatten()) else {
            continue;
        };
        let is_covered = chosen.is_some_and(|chosen| covers(&files, chosen, &found.command));
        if !is_covered && !projects.contains(&found) {
            projects.push(found);
        }
    }
    projects.sort_by(|one, other| one.command.dir.cmp(&other.command.dir));
    projects
}

fn is_project(folder: &ProjectFolder) -> bool {
    let mut parts = folder.path.components();
    if parts.any(|part| NOT_PROJECTS.iter().any(|name| part.as_os_str() == *name)) {
        return false;
    }
    let ends = |name: &String| name.rsplit_once('.').is_some_and(|(_, ending)| MANIFEST_ENDINGS.contains(&ending));
    folder.first(&MANIFESTS).is_some() || folder.files.names(&folder.path, MAX_NAMES).iter().any(ends)
}

/// Whether `chosen` also runs the tests of `other`. In doubt it doesn't, and the tests run once more.
fn covers(files: &RepositoryFiles, chosen: &TestCommand, other: &TestCommand) -> bool {
    if chosen == other || (chosen.dir == other.dir && chosen.invocation == other.invocation) {
        return true;
    }
    let (Some(words), Some(others)) = (words(chosen), words(other)) else { return false };
    let Some(below) = below(chosen, other) else { return false };
    let folder = ProjectFolder {
        files,
        path: chosen.dir.as_ref().map_or_else(Default::default, |dir| dir.as_path().to_owned()),
        installed: &|_| false,
    };
    let has = |words: &[String], word: &str| words.iter().any(|known| known == word);
    let text = |name: &str| folder.text(name).unwrap_or_default();
    let program =
        |words: &[String]| words.first().map(|word| word.trim_start_matches("./").trim_end_matches('w').to_owned());
    match program(words).filter(|name| program(others).as_ref() == Some(name)).as_deref() {
        // A workspace of its own or an excluded folder isn't a member of this workspace.
        Some("cargo") => {
            has(words, "--workspace") && !has(others, "--workspace") && !is_excluded(&text("Cargo.toml"), below)
        }
        Some("mvn") => {
            let pom = text("pom.xml");
            let mut modules = pom.split("<module>").skip(1).filter_map(|rest| rest.split_once("</module>"));
            modules.any(|(module, _)| below.starts_with(module.trim()))
        }
        Some("gradle") => {
            let settings = text("settings.gradle") + &text("settings.gradle.kts");
            below.file_name().and_then(|name| name.to_str()).is_some_and(|name| settings.contains(name))
        }
        _ => false,
    }
}

fn is_excluded(manifest: &str, below: &Path) -> bool {
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let excluded = manifest.get("workspace").and_then(|workspace| workspace.get("exclude"));
    let mut excluded = excluded.and_then(toml::Value::as_array).into_iter().flatten();
    excluded.any(|path| path.as_str().is_some_and(|path| below.starts_with(path.trim_end_matches('/'))))
}

fn words(command: &TestCommand) -> Option<&[String]> {
    match &command.invocation {
        Invocation::Argv(words) => Some(words),
        Invocation::Shell(_) => None,
    }
}

/// Returns the folder of `other` relative to that of `chosen`; `None` if it isn't below it.
fn below<'a>(chosen: &TestCommand, other: &'a TestCommand) -> Option<&'a Path> {
    let of = |dir: &'a Option<RelPath>| dir.as_ref().map_or(Path::new(""), |dir| dir.as_path());
    let root = chosen.dir.as_ref().map_or(Path::new(""), |dir| dir.as_path());
    of(&other.dir).strip_prefix(root).ok()
}
