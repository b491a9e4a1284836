//! Digest of what affects test results besides the versioned tree: programs, installed dependencies, environment
//! variables.
//!
//! Nothing is executed and no content is read. Files that may be edited in place are checked one by one
//! (`unversioned.rs`): ignored files of the tree, and packages of virtual environments. In stores of package managers,
//! an installation changes the time of its folder. Depth and number of checks are bounded; because some changes go
//! unnoticed, no baseline is kept forever.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::environment::{interpreter, programs_of, which};
use super::unversioned::{TooMuch, Unversioned};
use crate::journal::Digest;
use crate::settings::TestCommand;

/// Number of entries of one store that are checked.
const MOST: usize = 4_000;

/// Stores outside of the tree: the variable that holds the path, the default in the home, the part of the store, and
/// the depth.
const STORES: [(&str, &str, &str, usize); 17] = [
    ("CARGO_HOME", ".cargo", "config.toml", 0),
    ("CARGO_HOME", ".cargo", "git/checkouts", 2),
    ("CARGO_HOME", ".cargo", "registry", 2),
    ("COMPOSER_HOME", ".config/composer", "vendor", 2),
    ("GEM_HOME", ".gem/ruby", "", 2),
    ("GOMODCACHE", "go/pkg/mod", "", 3),
    ("GRADLE_USER_HOME", ".gradle", "caches/modules-2/files-2.1", 3),
    ("GRADLE_USER_HOME", ".gradle", "wrapper/dists", 3),
    ("HEX_HOME", ".hex", "packages", 1),
    ("MAVEN_USER_HOME", ".m2", "repository", 5),
    ("MAVEN_USER_HOME", ".m2", "settings.xml", 0),
    ("MIX_HOME", ".mix", "", 3),
    ("NUGET_PACKAGES", ".nuget/packages", "", 2),
    ("PIPX_HOME", ".local/share/pipx", "venvs", 1),
    ("POETRY_VIRTUALENVS_PATH", ".cache/pypoetry/virtualenvs", "", 4),
    ("PYTHONUSERBASE", ".local", "lib", 2),
    ("RUSTUP_HOME", ".rustup", "toolchains", 1),
];
/// System-wide packages, with the depth that is checked.
const SYSTEM: [(&str, usize); 6] = [
    ("/usr/lib/node_modules", 1),
    ("/usr/lib/python3/dist-packages", 0),
    ("/usr/local/lib/node_modules", 1),
    ("/usr/share/perl5", 0),
    ("/usr/share/php", 1),
    ("/var/lib/gems", 3),
];

/// Variables that hold the path of an environment with its own packages.
const ENVIRONMENTS: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];

/// The place and environment of a test run.
pub struct Surroundings<'a> {
    /// The repository's root.
    pub root: &'a Path,
    /// Paths that the tree's id covers, relative to the root.
    pub tree: &'a HashSet<PathBuf>,
    /// Names of the environment variables that commands see.
    pub variables: &'a [String],
    /// Further folders and files that commands see; their content may be edited.
    pub readable: &'a [PathBuf],
}

impl Surroundings<'_> {
    /// Returns equal digests for the same machine in the same state, as far as that is checked; `None` if checking
    /// would take too long. Blocks.
    #[must_use]
    pub fn digest(&self, command: &TestCommand) -> Option<Digest> {
        let folder = command.dir.as_ref().map_or_else(|| self.root.to_owned(), |dir| self.root.join(dir.as_path()));
        let mut seen = SeenFiles::default();
        for name in programs_of(command) {
            seen.program(&name, &folder);
        }
        seen.prefixes.extend(["python3", "python"].iter().filter_map(|name| prefix(&which(name, &folder)?)));
        let home = std::env::var_os("HOME").map(PathBuf::from);
        for (variable, in_home, part, depth) in STORES {
            let named = std::env::var_os(variable).map(PathBuf::from);
            let store = named.or_else(|| Some(home.as_ref()?.join(in_home)));
            if let Some(store) = store {
                seen.look(&store.join(part), depth);
            }
        }
        for (place, depth) in SYSTEM {
            seen.look(Path::new(place), depth);
        }
        for name in self.variables {
            // Writing to a String can't fail.
            let _ = writeln!(seen.text, "{name}={:?}", std::env::var_os(name));
        }
        seen.prefixes.extend(ENVIRONMENTS.iter().filter_map(|name| Some(PathBuf::from(std::env::var_os(name)?))));
        seen.prefixes.extend(home.map(|home| home.join(".local")));
        let files = self.files(&seen.prefixes).ok()?;
        Some(Digest::of(seen.text + &files))
    }

    /// Describes what is checked file by file.
    fn files(&self, prefixes: &[PathBuf]) -> Result<String, TooMuch> {
        let mut files = Unversioned::new(self.root, self.tree);
        files.look_at_root()?;
        for place in self.readable {
            files.look(place)?;
        }
        // Only the system's package manager changes what it owns.
        for prefix in prefixes.iter().filter(|prefix| *prefix != Path::new("/usr") && *prefix != Path::new("/")) {
            // pyenv's programs start one of several Pythons.
            let mut versions: Vec<PathBuf> = entries(&prefix.join("versions"));
            versions.sort_unstable();
            for packages in [prefix.clone()].iter().chain(&versions).flat_map(|it| packages_below(&it.join("lib"))) {
                files.look(&packages)?;
            }
        }
        Ok(files.told())
    }
}

/// Returns the prefix of the program `PREFIX/bin/NAME`.
fn prefix(program: &Path) -> Option<PathBuf> {
    program.ancestors().nth(2).map(Path::to_owned)
}

/// Lists the folders of Python packages in a library folder.
fn packages_below(lib: &Path) -> Vec<PathBuf> {
    let is_python = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"));
    let pythons = entries(lib).into_iter().filter(is_python);
    let packages = pythons.flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.join(name)));
    let mut packages: Vec<PathBuf> = packages.collect();
    packages.sort_unstable();
    packages
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().take(MOST).map(|entry| entry.path()).collect()
}

#[derive(Default)]
struct SeenFiles {
    text: String,
    /// Prefixes in which programs and their libraries are installed.
    prefixes: Vec<PathBuf>,
}

impl SeenFiles {
    /// Checks a program, the target of its link, and its interpreter.
    fn program(&mut self, name: &str, folder: &Path) {
        let found = which(name, folder);
        let _ = writeln!(self.text, "program {name} {found:?}");
        let Some(found) = found else { return };
        // The Python of a virtual environment is a link to outside of it.
        self.prefixes.extend(prefix(&found));
        let Ok(path) = fs::canonicalize(&found) else { return };
        self.look(&path, 0);
        self.beside(&path);
        if let Some(name) = interpreter(&path) {
            let by = which(&name, folder);
            let _ = writeln!(self.text, "by {name} {by:?}");
            self.prefixes.extend(by.as_deref().and_then(prefix));
        }
    }

    /// Checks the packages of Python and Node in the prefix of a program.
    fn beside(&mut self, program: &Path) {
        let Some(prefix) = prefix(program) else { return };
        for packages in packages_below(&prefix.join("lib")) {
            self.look(&packages, 0);
        }
        self.prefixes.push(prefix);
    }

    /// Records the times of change of `path` and of its content, `depth` folders deep.
    fn look(&mut self, path: &Path, depth: usize) {
        let mut left = MOST;
        self.look_below(path, depth, &mut left);
    }

    fn look_below(&mut self, path: &Path, depth: usize, left: &mut usize) {
        let Ok(about) = fs::metadata(path) else { return };
        let length = if about.is_dir() { 0 } else { about.len() };
        let _ = writeln!(self.text, "{} {length} {}.{}", path.display(), about.mtime(), about.mtime_nsec());
        if depth == 0 || !about.is_dir() {
            return;
        }
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let Some(fewer) = left.checked_sub(1) else { break };
            *left = fewer;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                below.push(entry.path());
            }
        }
        below.sort_unstable();
        for path in below {
            self.look_below(&path, depth - 1, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(root: &Path, command: &TestCommand) -> Option<Digest> {
        let digest = Surroundings { root, tree: &HashSet::new(), variables: &[], readable: &[] }.digest(command);
        assert!(digest.is_some());
        digest
    }

    #[test]
    fn whatever_is_installed_in_the_tree_changes_it() {
        let root = tempfile::tempdir().expect("a folder");
        let command = TestCommand::shell("sh run-tests");
        let mut last = digest(root.path(), &command);
        assert_eq!(last, digest(root.path(), &command));
        for (place, file) in [
            ("node_modules/left-pad", "index.js"),
            ("node_modules/@scope", "a"),
            (".tox/py312", "pyvenv.cfg"),
            (".venv/lib/python3.12/site-packages/pytest", "a.py"),
            ("vendor/phpunit/phpunit", "a.php"),
            ("packages", "a"),
            (".", "Cargo.lock"),
            (".", "poetry.lock"),
            (".", "local.json"),
            ("build", "out.txt"),
        ] {
            fs::create_dir_all(root.path().join(place)).expect("a folder");
            fs::write(root.path().join(place).join(file), "1").expect("a file");
            let now = digest(root.path(), &command);
            assert_ne!(now, last, "{place}/{file}");
            fs::write(root.path().join(place).join(file), "22").expect("a file");
            last = digest(root.path(), &command);
            assert_ne!(now, last, "{place}/{file} rewritten in place");
        }
    }

    #[test]
    fn work_beside_the_tree_changes_it() {
        let root = tempfile::tempdir().expect("a folder");
        let lib = tempfile::tempdir().expect("a folder");
        let command = TestCommand::shell("sh run-tests");
        let readable = [lib.path().to_owned()];
        let digest = || {
            let tree = HashSet::new();
            Surroundings { root: root.path(), tree: &tree, variables: &[], readable: &readable }.digest(&command)
        };
        fs::create_dir_all(lib.path().join("src/deep")).expect("a folder");
        fs::write(lib.path().join("src/deep/lib.rs"), "1").expect("a file");
        let before = digest();
        assert_eq!(digest(), before);
        fs::write(lib.path().join("src/deep/lib.rs"), "22").expect("a file");
        assert_ne!(digest(), before);
    }

    #[test]
    fn of_packages_beside_a_program_a_bounded_number_is_looked_at() {
        let lib = tempfile::tempdir().expect("a folder");
        for number in 0..=MOST {
            std::os::unix::fs::symlink("python", lib.path().join(format!("python{number}"))).expect("a link");
        }
        assert_eq!(packages_below(lib.path()).len(), 2 * MOST);
    }

    #[test]
    fn a_program_that_is_found_now_changes_it() {
        let root = tempfile::tempdir().expect("a folder");
        let command = TestCommand::shell("./check && true");
        let before = digest(root.path(), &command);
        fs::write(root.path().join("check"), "#!/bin/sh\n").expect("a file");
        assert_ne!(digest(root.path(), &command), before);
    }
}
