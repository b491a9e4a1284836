//! Which files that commands write become part of a patch: those that a person names, as in a `.gitignore`. A repository's own
//! file may name what tests are meant to write, snapshots and lock files, and nothing else: with any glob its tests could have
//! any file of the user's changed under the name of the model's work.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Lock files of package managers.
const LOCK_FILES: [&str; 16] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "bun.lock",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "go.sum",
    "mix.lock",
    "package-lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];
/// Folders of snapshots.
const SNAPSHOT_FOLDERS: [&str; 4] = ["__snapshots__", "__image_snapshots__", "__screenshots__", "snapshots"];
/// Ends of names of snapshots.
const SNAPSHOT_NAMES: [&str; 5] = ["*.snap", "*.ambr", "*.golden", "*.approved.txt", "*.stderr"];

/// Globs of such files.
#[derive(Clone, Debug)]
pub struct Writes(Gitignore);

impl Writes {
    /// Of these globs. One that can't be read was refused when settings were read, and names nothing.
    #[must_use]
    pub fn of(globs: &[String]) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for glob in globs {
            drop(builder.add_line(None, glob));
        }
        Self(builder.build().unwrap_or_else(|_| Gitignore::empty()))
    }

    /// Whether they name no file at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path`, relative to the root, is one.
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Why a glob can't be used.
pub(super) fn check(glob: &str) -> Result<(), String> {
    let is_one = !glob.trim().is_empty() && !glob.starts_with(['!', '#']) && !glob.contains(char::is_control);
    match GitignoreBuilder::new("").add_line(None, glob) {
        Ok(_) if is_one => Ok(()),
        Ok(_) => Err(format!("{glob:?} names no file; write it as in a .gitignore, such as \"**/__snapshots__/**\"")),
        Err(error) => Err(format!("{glob:?} is no glob: {error}")),
    }
}

/// The same of one in a repository's file.
pub(super) fn check_of_repository(glob: &str) -> Result<(), String> {
    check(glob)?;
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty()).collect();
    let is_hidden = parts.iter().any(|part| part.starts_with('.') || part.starts_with('\\'));
    let is_lock = parts.last().is_some_and(|last| LOCK_FILES.contains(last));
    let is_snapshot = parts.iter().any(|part| SNAPSHOT_FOLDERS.contains(part))
        || parts.last().is_some_and(|last| SNAPSHOT_NAMES.contains(last));
    if !is_hidden && (is_lock || is_snapshot) {
        return Ok(());
    }
    Err(format!(
        "a repository may name lock files and snapshots alone, such as \"Cargo.lock\" or \"**/__snapshots__/**\", and {glob:?} is \
         neither; name others in your own settings, or with --include-generated"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_as_in_a_gitignore() {
        let names = |glob: &str, path: &str| Writes::of(&[glob.to_owned()]).names(Path::new(path));
        assert!(names("Cargo.lock", "Cargo.lock") && names("Cargo.lock", "crates/a/Cargo.lock"));
        assert!(names("**/__snapshots__/**", "a/__snapshots__/b.snap") && names("coverage", "coverage/lcov.info"));
        assert!(!names("/Cargo.lock", "crates/Cargo.lock") && !names("*.snap", "log.txt"));
        assert!(!Writes::of(&[]).names(Path::new("a")));
    }

    #[test]
    fn a_repository_names_snapshots_and_lock_files() {
        for glob in ["**/__snapshots__/**", "Cargo.lock", "tests/ui/*.stderr", "*.snap", "web/package-lock.json"] {
            assert_eq!(check_of_repository(glob), Ok(()), "{glob}");
        }
        for glob in
            ["**", "*", ".github/**", "src/**", "!x", "", "**/*", ".github/__snapshots__/**", "*.lock", "a{b,c}"]
        {
            assert!(check_of_repository(glob).is_err(), "{glob}");
        }
    }
}
