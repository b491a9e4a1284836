//! What decides how tests go beside the tree that git knows: programs, installed dependencies, variables.
//!
//! Nothing is executed and no content is read. Files that somebody may write in place are looked at one by one
//! (`unversioned.rs`): what git ignores in the tree, and packages of virtual environments. In stores of package managers a folder that
//! something was installed into has another time of change. How deep is looked there, and how much, is bounded; what goes
//! unnoticed is why no baseline lasts forever.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::environment::{interpreter, programs_of, which};
use super::unversioned::{TooMuch, Unversioned};
use crate::journal::Digest;
use crate::settings::TestCommand;

/// Entries of one store that are looked at.
const MOST: usize = 4_000;

/// Stores outside: the variable that leads to one, where it is in the home without that, the part of it, and how deep.
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
/// Packages of the machine.
const SYSTEM: [(&str, usize); 6] = [
    ("/usr/lib/node_modules", 1),
    ("/usr/lib/python3/dist-packages", 0),
    ("/usr/local/lib/node_modules", 1),
    ("/usr/share/perl5", 0),
    ("/usr/share/php", 1),
    ("/var/lib/gems", 3),
];

/// Variables that lead to an environment with packages of its own.
const ENVIRONMENTS: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];

/// Where and with what tests are run.
pub struct Surroundings<'a> {
    /// The repository's root.
    pub root: &'a Path,
    /// What the tree's id tells of, relative to the root.
    pub tree: &'a HashSet<PathBuf>,
    /// Names of the variables that commands see.
    pub variables: &'a [String],
    /// Folders and files beside the tree that commands see besides: somebody may work in them.
    pub readable: &'a [PathBuf],
}

impl Surroundings<'_> {
    /// The same for the same machine in the same state, as far as that is looked at; `None` where there is more to look at than
    /// anybody would wait for. Blocks.
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

    /// What is looked at file by file.
    fn files(&self, prefixes: &[PathBuf]) -> Result<String, TooMuch> {
        let mut files = Unversioned::new(self.root, self.tree);
        files.look_at_root()?;
        for place in self.readable {
            files.look(place)?;
        }
        // What the machine's package manager owns, it alone changes.
        for prefix in prefixes.iter().filter(|prefix| *prefix != Path::new("/usr") && *prefix != Path::new("/")) {
            // Programs of pyenv start one of several Pythons.
            let mut versions: Vec<PathBuf> = entries(&prefix.join("versions"));
            versions.sort_unstable();
            for packages in [prefix.clone()].iter().chain(&versions).flat_map(|it| packages_below(&it.join("lib"))) {
                files.look(&packages)?;
            }
        }
        Ok(files.told())
    }
}

/// Of the program `bin/NAME`, what that folder lies in.
fn prefix(program: &Path) -> Option<PathBuf> {
    program.ancestors().nth(2).map(Path::to_owned)
}

/// Python's packages in a folder of libraries.
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
    /// What programs and their libraries are installed in.
    prefixes: Vec<PathBuf>,
}

impl SeenFiles {
    /// A program, where it leads to, and what interprets it.
    fn program(&mut self, name: &str, folder: &Path) {
        let found = which(name, folder);
        let _ = writeln!(self.text, "program {name} {found:?}");
        let Some(found) = found else { return };
        // A virtual environment's Python is a link out of it.
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

    /// Python's packages, and Node's own, that lie beside a program.
    fn beside(&mut self, program: &Path) {
        let Some(prefix) = prefix(program) else { return };
        for packages in packages_below(&prefix.join("lib")) {
            self.look(&packages, 0);
        }
        self.prefixes.push(prefix);
    }

    /// `path` and what is in it, `depth` folders deep, each with its time of change.
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
