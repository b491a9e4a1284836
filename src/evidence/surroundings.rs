//! What decides how tests go beside the tree that git knows: programs, installed dependencies, variables.
//!
//! Nothing is executed and no content is read: a folder that something was installed into has another time of change. How
//! deep is looked, and how much, is bounded; what goes unnoticed is why no baseline lasts forever.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::environment::{interpreter, programs_of, which};
use crate::journal::Digest;
use crate::settings::TestCommand;

/// Entries of one place that are looked at.
const MOST: usize = 4_000;

/// In the folder that the command runs in and those above it, up to the root: what is installed there, and what git may ignore of
/// what names versions. How many folders deep each is looked at.
const IN_TREE: [(&str, usize); 38] = [
    (".bundle", 1),
    (".cargo/config.toml", 0),
    (".eggs", 1),
    (".nox", 2),
    (".pnp.cjs", 0),
    (".python-version", 0),
    (".tool-versions", 0),
    (".tox", 2),
    (".venv", 4),
    (".yarn", 2),
    ("Cargo.lock", 0),
    ("Gemfile.lock", 0),
    ("Pipfile.lock", 0),
    ("__pypackages__", 3),
    ("bower_components", 1),
    ("build/CMakeCache.txt", 0),
    ("bun.lock", 0),
    ("bun.lockb", 0),
    ("composer.lock", 0),
    ("deps", 1),
    ("elm-stuff", 1),
    ("env", 4),
    ("go.sum", 0),
    ("mix.lock", 0),
    ("node_modules", 1),
    ("node_modules/.bin", 0),
    ("node_modules/.package-lock.json", 0),
    ("node_modules/.pnpm", 1),
    ("npm-shrinkwrap.json", 0),
    ("obj/project.assets.json", 0),
    ("package-lock.json", 0),
    ("packages.lock.json", 0),
    ("pdm.lock", 0),
    ("pnpm-lock.yaml", 0),
    ("poetry.lock", 0),
    ("vendor", 2),
    ("venv", 4),
    ("yarn.lock", 0),
];
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

/// Where and with what tests are run.
pub struct Surroundings<'a> {
    /// The repository's root.
    pub root: &'a Path,
    /// Folders of dependencies that the settings name.
    pub dependencies: &'a [String],
    /// Names of the variables that commands see.
    pub variables: &'a [String],
    /// Folders and files beside the tree that commands see besides: somebody may work in them.
    pub readable: &'a [PathBuf],
}

impl Surroundings<'_> {
    /// The same for the same machine in the same state, as far as that is looked at. Blocks.
    #[must_use]
    pub fn digest(&self, command: &TestCommand) -> Digest {
        let folder = command.dir.as_ref().map_or_else(|| self.root.to_owned(), |dir| self.root.join(dir.as_path()));
        let mut seen = Seen::default();
        for name in programs_of(command) {
            seen.program(&name, &folder);
        }
        for above in folder.ancestors().take_while(|above| above.starts_with(self.root)) {
            for (name, depth) in IN_TREE {
                seen.look(&above.join(name), depth);
            }
            for name in self.dependencies {
                seen.look(&above.join(name), 1);
            }
        }
        let home = std::env::var_os("HOME").map(PathBuf::from);
        for (variable, in_home, part, depth) in STORES {
            let named = std::env::var_os(variable).map(PathBuf::from);
            let store = named.or_else(|| Some(home.as_ref()?.join(in_home)));
            if let Some(store) = store {
                seen.look(&store.join(part), depth);
            }
        }
        for place in self.readable {
            seen.look_at_work(place);
        }
        for (place, depth) in SYSTEM {
            seen.look(Path::new(place), depth);
        }
        for name in self.variables {
            // Writing to a String can't fail.
            let _ = writeln!(seen.text, "{name}={:?}", std::env::var_os(name));
        }
        Digest::of(seen.text)
    }
}

#[derive(Default)]
struct Seen {
    text: String,
}

impl Seen {
    /// A program, where it leads to, and what interprets it.
    fn program(&mut self, name: &str, folder: &Path) {
        let found = which(name, folder);
        let _ = writeln!(self.text, "program {name} {found:?}");
        let Some(path) = found.and_then(|path| fs::canonicalize(path).ok()) else { return };
        self.look(&path, 0);
        if let Some(packages) = path.ancestors().nth(2).map(|prefix| prefix.join("lib")) {
            // Python's, and Node's own.
            self.look_at_packages(&packages);
        }
        if let Some(name) = interpreter(&path) {
            let _ = writeln!(self.text, "by {name} {:?}", which(&name, folder));
        }
    }

    fn look_at_packages(&mut self, lib: &Path) {
        for entry in fs::read_dir(lib).into_iter().flatten().flatten().take(MOST) {
            if entry.file_name().to_string_lossy().starts_with("python") {
                for name in ["site-packages", "dist-packages"] {
                    self.look(&entry.path().join(name), 0);
                }
            }
        }
    }

    /// `path` and what is in it, `depth` folders deep, each with its time of change.
    fn look(&mut self, path: &Path, depth: usize) {
        let mut left = MOST;
        self.look_below(path, depth, &mut left);
    }

    /// All that is in a place where files are changed. One that has more than is looked at never is as it was.
    fn look_at_work(&mut self, place: &Path) {
        let mut ahead = vec![place.to_owned()];
        let mut left = MOST;
        while let Some(path) = ahead.pop() {
            let Ok(about) = fs::symlink_metadata(&path) else { continue };
            let changed = (about.ctime(), about.ctime_nsec());
            let _ = writeln!(self.text, "{} {} {changed:?}", path.display(), about.len());
            let Some(fewer) = left.checked_sub(1) else {
                let _ = writeln!(self.text, "{:?}", SystemTime::now());
                return;
            };
            left = fewer;
            // What git does changes no file of its tree.
            if (about.is_dir() || path == place) && !path.ends_with(".git") {
                let below = fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path());
                let mut below: Vec<PathBuf> = below.take(left + 1).collect();
                below.sort_unstable();
                ahead.extend(below);
            }
        }
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

    fn digest(root: &Path, command: &TestCommand) -> Digest {
        Surroundings { root, dependencies: &["packages".to_owned()], variables: &[], readable: &[] }.digest(command)
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
        ] {
            fs::create_dir_all(root.path().join(place)).expect("a folder");
            fs::write(root.path().join(place).join(file), "1").expect("a file");
            let now = digest(root.path(), &command);
            assert_ne!(now, last, "{place}/{file}");
            last = now;
        }
    }

    #[test]
    fn work_beside_the_tree_changes_it() {
        let root = tempfile::tempdir().expect("a folder");
        let lib = tempfile::tempdir().expect("a folder");
        let command = TestCommand::shell("sh run-tests");
        let readable = [lib.path().to_owned()];
        let digest = || {
            Surroundings { root: root.path(), dependencies: &[], variables: &[], readable: &readable }.digest(&command)
        };
        fs::create_dir_all(lib.path().join("src/deep")).expect("a folder");
        fs::write(lib.path().join("src/deep/lib.rs"), "1").expect("a file");
        let before = digest();
        assert_eq!(digest(), before);
        fs::write(lib.path().join("src/deep/lib.rs"), "22").expect("a file");
        assert_ne!(digest(), before);
        (0..=MOST).for_each(|number| fs::write(lib.path().join(number.to_string()), "").expect("a file"));
        assert_ne!(digest(), digest(), "nobody knows");
    }

    #[test]
    fn of_packages_beside_a_program_a_bounded_number_is_looked_at() {
        let lib = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(lib.path().join("python/site-packages")).expect("folders");
        for number in 0..MOST {
            std::os::unix::fs::symlink("python", lib.path().join(format!("python{number}"))).expect("a link");
        }
        let mut seen = Seen::default();
        seen.look_at_packages(lib.path());
        assert_eq!(seen.text.lines().count(), MOST);
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
