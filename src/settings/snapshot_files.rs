//! Which files that tests write may join a patch because the repository's settings name them: data that is compared,
//! and lock files of existing manifests. Nothing that a runner, an interpreter, a build or an agent would read and
//! obey.

use std::path::{Component, Path, PathBuf};

/// Lock files of package managers, with the manifests that they belong to.
const LOCK_FILES: [(&str, &[&str]); 16] = [
    ("Cargo.lock", &["Cargo.toml"]),
    ("Gemfile.lock", &["Gemfile"]),
    ("Package.resolved", &["Package.swift"]),
    ("Pipfile.lock", &["Pipfile"]),
    ("bun.lock", &["package.json"]),
    ("composer.lock", &["composer.json"]),
    ("deno.lock", &["deno.json", "deno.jsonc", "package.json"]),
    ("flake.lock", &["flake.nix"]),
    ("go.sum", &["go.mod"]),
    ("mix.lock", &["mix.exs"]),
    ("package-lock.json", &["package.json"]),
    ("pdm.lock", &["pyproject.toml"]),
    ("pnpm-lock.yaml", &["package.json"]),
    ("poetry.lock", &["pyproject.toml"]),
    ("uv.lock", &["pyproject.toml"]),
    ("yarn.lock", &["package.json"]),
];
const FOLDERS: [&str; 4] = ["__snapshots__", "__image_snapshots__", "__screenshots__", "snapshots"];
/// Suffixes of snapshots in any folder.
const ENDS: [&str; 5] = [".snap", ".ambr", ".golden", ".approved.txt", ".stderr"];
/// Suffixes of data files in a folder of snapshots.
const DATA: [&str; 20] = [
    ".csv",
    ".gif",
    ".html",
    ".jpeg",
    ".jpg",
    ".json",
    ".jsonl",
    ".log",
    ".md",
    ".out",
    ".png",
    ".shot",
    ".stdout",
    ".storyshot",
    ".svg",
    ".txt",
    ".webp",
    ".xml",
    ".yaml",
    ".yml",
];
/// Names that look like data, but that a build, a package manager or an agent obeys.
const OBEYED: [&str; 24] = [
    "action.yaml",
    "action.yml",
    "agents.md",
    "angular.json",
    "bower.json",
    "build.xml",
    "claude.md",
    "cmakelists.txt",
    "composer.json",
    "copilot-instructions.md",
    "deno.json",
    "environment.yml",
    "gemini.md",
    "nx.json",
    "package.json",
    "phpunit.xml",
    "pnpm-workspace.yaml",
    "pom.xml",
    "project.json",
    "pubspec.yaml",
    "skill.md",
    "turbo.json",
    "lerna.json",
    "buildspec.yml",
];
/// Prefixes of such names.
const OBEYED_STARTS: [&str; 6] = ["tsconfig", "jsconfig", "requirements", "constraints", "docker-compose", "compose."];

/// Paths where the manifest of a lock file may be, one of which must exist; `None` when `path` isn't a lock file.
pub(crate) fn manifests(path: &Path) -> Option<impl Iterator<Item = PathBuf>> {
    let name = path.file_name()?.to_str()?;
    let (_, manifests) = LOCK_FILES.iter().find(|(lock, _)| *lock == name)?;
    Some(manifests.iter().map(|manifest| path.with_file_name(manifest)))
}

/// Returns true when the file at `path`, relative to the root, is a snapshot by its folder and its name.
pub(crate) fn is_snapshot(path: &Path) -> bool {
    let Some(mut parts) = parts(path) else { return false };
    let Some(name) = parts.pop().map(str::to_ascii_lowercase) else { return false };
    if ENDS.iter().any(|end| is_end(&name, end)) {
        return true;
    }
    let is_data = DATA.iter().any(|end| is_end(&name, end)) && !is_obeyed(&name);
    is_data && parts.iter().any(|part| FOLDERS.contains(part))
}

/// Returns true when `glob` only names lock files or snapshots, as far as a glob shows; matching files are checked as
/// well.
pub(super) fn is_allowed_glob(glob: &str) -> bool {
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty()).collect();
    // One alternative, class or escape could hide the others.
    let is_plain = !glob.contains(['{', '}', '[', ']', '\\', '!']) && !parts.iter().any(|part| part.starts_with('.'));
    let is_named = |last: &str| {
        LOCK_FILES.iter().any(|(lock, _)| *lock == last)
            || last.strip_prefix('*').is_some_and(|end| ENDS.contains(&end))
    };
    is_plain && (parts.iter().any(|part| FOLDERS.contains(part)) || parts.last().is_some_and(|last| is_named(last)))
}

/// The components of a relative path, without `..` and hidden ones.
fn parts(path: &Path) -> Option<Vec<&str>> {
    path.components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str().filter(|name| !name.starts_with('.')),
            _ => None,
        })
        .collect()
}

fn is_end(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|before| !before.is_empty())
}

fn is_obeyed(name: &str) -> bool {
    let is_settings = name.ends_with(".config.json") || OBEYED_STARTS.iter().any(|start| name.starts_with(start));
    is_settings || OBEYED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_known_by_place_and_kind() {
        for path in [
            "__snapshots__/a.test.js.snap",
            "tests/__snapshots__/test_a.ambr",
            "a/snapshots/home.png",
            "a/snapshots/deep/er/out.json",
            "tests/ui/wrong.stderr",
            "report.approved.txt",
            "x/__snapshots__/Component.storyshot",
            "snapshots/x.approved.html",
        ] {
            assert!(is_snapshot(Path::new(path)), "{path}");
        }
        for path in [
            "setup.py",
            "a/b.snap.py",
            "__snapshots__",
            "__snapshots__/conftest.py",
            "__snapshots__/conftest.PY",
            "__snapshots__/index.js",
            "__snapshots__/run.sh",
            "__snapshots__/Makefile",
            "__snapshots__/package.json",
            "__snapshots__/tsconfig.json",
            "__snapshots__/jest.config.json",
            "__snapshots__/CMakeLists.txt",
            "__snapshots__/requirements-dev.txt",
            "__snapshots__/AGENTS.md",
            "__snapshots__/.gitattributes",
            "__snapshots__/.snap",
            ".github/__snapshots__/a.snap",
            "x/../__snapshots__/a.snap",
            "/__snapshots__/a.snap",
            "snapshots.txt",
            "Cargo.lock/a.txt",
        ] {
            assert!(!is_snapshot(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn lock_files_have_manifests() {
        let of = |path: &str| manifests(Path::new(path)).map(Iterator::count);
        assert_eq!((of("Cargo.lock"), of("a/deno.lock")), (Some(1), Some(3)));
        assert_eq!((of("Cargo.lock/x"), of("x.lock"), of("cargo.lock")), (None, None, None));
    }
}
