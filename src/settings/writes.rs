//! Which files that commands write become part of a patch: those that the user names, as in a `.gitignore`. A
//! repository's own file may only name what tests are meant to write, snapshots and lock files: with any glob, its
//! tests could change any file in the name of the model's work.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::snapshot_files::is_allowed_glob;

/// Globs of such files.
#[derive(Clone, Debug)]
pub struct Writes {
    user: Gitignore,
    repository: Gitignore,
    /// Globs of flags, one by one.
    asked: Vec<(String, Gitignore)>,
}

/// Who named a file for the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteAuthority {
    /// The user's own.
    User,
    /// Only the repository's settings.
    Repository,
}

impl Writes {
    /// From the user's globs. An invalid one was refused when settings were read, and matches nothing.
    #[must_use]
    pub fn of(globs: &[String]) -> Self {
        Self { user: matcher(globs), repository: Gitignore::empty(), asked: Vec::new() }
    }

    /// From all `globs`; those in `repository` come from the repository's settings.
    #[must_use]
    pub fn of_both(globs: &[String], repository: &[String]) -> Self {
        let user: Vec<String> = globs.iter().filter(|glob| !repository.contains(glob)).cloned().collect();
        Self { repository: matcher(repository), ..Self::of(&user) }
    }

    /// Also keeps the globs of flags, for [`Writes::naming_nothing`].
    #[must_use]
    pub fn with_asked(self, globs: &[String]) -> Self {
        let asked = globs.iter().map(|glob| (glob.clone(), matcher(std::slice::from_ref(glob)))).collect();
        Self { asked, ..self }
    }

    /// True when there are no globs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.user.is_empty() && self.repository.is_empty()
    }

    /// Who names `path`, relative to the root; `None` when nobody does.
    #[must_use]
    pub fn word(&self, path: &Path) -> Option<WriteAuthority> {
        let named = |globs: &Gitignore| names(globs, path);
        named(&self.user)
            .then_some(WriteAuthority::User)
            .or_else(|| named(&self.repository).then_some(WriteAuthority::Repository))
    }

    /// The globs of flags that match none of `paths`.
    pub fn naming_nothing<'p>(&self, paths: &(impl Iterator<Item = &'p Path> + Clone)) -> Vec<String> {
        let is_idle = |globs: &Gitignore| !paths.clone().any(|path| names(globs, path));
        self.asked.iter().filter(|(_, globs)| is_idle(globs)).map(|(glob, _)| glob.clone()).collect()
    }
}

fn matcher(globs: &[String]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        drop(builder.add_line(None, glob));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn names(globs: &Gitignore, path: &Path) -> bool {
    globs.matched_path_or_any_parents(path, false).is_ignore()
}

/// Refuses a glob that can't match any file.
pub(super) fn check(glob: &str) -> Result<(), String> {
    if glob.trim().is_empty() || glob.starts_with(['!', '#']) || glob.contains(char::is_control) {
        return Err(format!("{glob:?} names no file; write it as in a .gitignore, such as \"**/__snapshots__/**\""));
    }
    let way = glob.strip_prefix('/').unwrap_or(glob);
    let way = way.strip_suffix('/').unwrap_or(way);
    if way.split('/').any(|part| matches!(part.trim(), "" | "." | "..")) {
        return Err(format!("{glob:?} names no file; write it from the repository's root, without . and .."));
    }
    let mut builder = GitignoreBuilder::new("");
    match builder.allow_unclosed_class(false).add_line(None, glob) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{glob:?} is no glob: {error}")),
    }
}

/// As [`check`], for a glob in a repository's file.
pub(super) fn check_of_repository(glob: &str) -> Result<(), String> {
    check(glob)?;
    if is_allowed_glob(glob) {
        return Ok(());
    }
    Err(format!(
        "a repository may name lock files and snapshots alone, such as \"Cargo.lock\" or \"**/__snapshots__/**\", without any of \
         {{}}[]!\\, and {glob:?} is something else; name others in your own settings, or with --include-generated"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_as_in_a_gitignore() {
        let names = |glob: &str, path: &str| Writes::of(&[glob.to_owned()]).word(Path::new(path)).is_some();
        assert!(names("Cargo.lock", "Cargo.lock") && names("Cargo.lock", "crates/a/Cargo.lock"));
        assert!(names("**/__snapshots__/**", "a/__snapshots__/b.snap") && names("coverage", "coverage/lcov.info"));
        assert!(!names("/Cargo.lock", "crates/Cargo.lock") && !names("*.snap", "log.txt"));
        assert_eq!(Writes::of(&[]).word(Path::new("a")), None);
    }

    #[test]
    fn the_users_word_counts_before_the_repositorys() {
        let (all, repository) = (["*.a", "*.b"].map(str::to_owned), ["*.b".to_owned()]);
        let writes = Writes::of_both(&all, &repository).with_asked(&all);
        let word = |path: &str| writes.word(Path::new(path));
        assert_eq!(
            (word("x.a"), word("x.b"), word("x.c")),
            (Some(WriteAuthority::User), Some(WriteAuthority::Repository), None)
        );
        assert_eq!(writes.naming_nothing(&[Path::new("x.b")].into_iter()), ["*.a"]);
    }

    #[test]
    fn a_glob_that_is_none_is_refused() {
        for glob in ["", " ", "!x", "#x", "[a", "{a", "../x", "./log.txt", "a/../b", "a//b", "/", "a\nb"] {
            assert!(check(glob).is_err(), "{glob:?}");
        }
        for glob in ["*", "**", "/a", "a/", "a b", "[ab].txt", "{a,b}.txt", "..a", "a..b/c"] {
            assert_eq!(check(glob), Ok(()), "{glob}");
        }
    }

    #[test]
    fn a_repository_names_snapshots_and_lock_files() {
        for glob in ["**/__snapshots__/**", "Cargo.lock", "tests/ui/*.stderr", "*.snap", "web/package-lock.json"] {
            assert_eq!(check_of_repository(glob), Ok(()), "{glob}");
        }
        for glob in [
            "**",
            "*",
            ".github/**",
            "src/**",
            "!x",
            "",
            "**/*",
            ".github/__snapshots__/**",
            "*.lock",
            "a{b,c}",
            "{a/snapshots/b,**}",
            "{x/snapshots/y,*}",
            "{q/__snapshots__/q,setup.py,README.md,rootlink}",
            "{a/snapshots/b,.*}",
            "snapshots/{a,../../setup.py}",
            "[a]/snapshots/b",
            "a\\/snapshots/b",
            "snapshots/!x",
            "../snapshots/x",
        ] {
            assert!(check_of_repository(glob).is_err(), "{glob}");
        }
    }
}
