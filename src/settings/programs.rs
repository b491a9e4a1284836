//! Finds programs by name, never one that a repository could have put there.
//!
//! `$PATH` is the user's, but a folder in it may be inside the repository (`.venv/bin`), or lead there by a link or by
//! `..`. Every program that kcode starts, except itself, is found here.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Roots of all repositories that this process works with: no program is taken from any of them, wherever it is to run.
static CLOSED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// Length of a chain of links that the kernel follows.
const MOST_LINKS: usize = 40;

/// Users other than the owner and the group may put programs there.
const WORLD_WRITABLE: u32 = 0o002;
const EXECUTABLE: u32 = 0o111;

/// The programs of the machine, as seen from a repository.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Canonical roots of the repository and of those that contain it.
    closed: Vec<PathBuf>,
}

/// Why a program isn't started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProgram {
    /// No program of that name was found.
    #[error("{0} is not installed, or not in a folder of $PATH that kcode starts programs from")]
    Missing(String),
    /// The program is inside the repository.
    #[error("{} lies in the repository, which kcode starts no programs of", .0.display())]
    OfRepository(PathBuf),
}

impl Programs {
    /// For work in `dir`: programs inside it, or inside a repository around it, aren't found.
    #[must_use]
    pub fn outside(dir: &Path) -> Self {
        let dir = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let home = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
        // A home folder that is a repository contains the user's own programs.
        let holds_home = |folder: &Path| home.as_ref().is_some_and(|home| home.starts_with(folder));
        let is_repository = |folder: &Path| fs::symlink_metadata(folder.join(".git")).is_ok() && !holds_home(folder);
        let around = dir.ancestors().skip(1).filter(|folder| is_repository(folder)).map(Path::to_owned);
        let known = CLOSED.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { closed: around.chain([dir.clone()]).chain(known).collect() }
    }

    /// From now on no program below the canonical `root` is found.
    pub fn close(root: &Path) {
        CLOSED.lock().unwrap_or_else(PoisonError::into_inner).insert(root.to_owned());
    }

    /// Finds a program: in `$PATH`, or at the path when the name has a slash.
    ///
    /// # Errors
    /// When there is none, or none that may be started.
    pub fn find(&self, name: &str) -> Result<PathBuf, NoProgram> {
        if name.contains('/') {
            let program = std::path::absolute(name).map_err(|_| NoProgram::Missing(name.to_owned()))?;
            return if self.is_trusted(&program) {
                Ok(program)
            } else if is_executable(&program) {
                Err(NoProgram::OfRepository(program))
            } else {
                Err(NoProgram::Missing(name.to_owned()))
            };
        }
        let mut programs = self.folders().into_iter().map(|folder| folder.join(name));
        programs.find(|program| self.is_trusted(program)).ok_or_else(|| NoProgram::Missing(name.to_owned()))
    }

    /// `$PATH` for a started program, without the folders that no program is taken from.
    #[must_use]
    pub fn path(&self) -> OsString {
        // Can't fail: what was split at colons can be joined with them.
        std::env::join_paths(self.folders()).unwrap_or_default()
    }

    /// Canonical folders of `$PATH`, so that a link changed later makes no difference.
    fn folders(&self) -> Vec<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        let canonical = absolute.filter_map(|folder| fs::canonicalize(folder).ok());
        canonical.filter(|folder| self.is_outside(folder) && !is_open_to_all(folder)).collect()
    }

    /// Returns true when `program` may be started; its real path counts, whatever leads there.
    #[must_use]
    pub fn is_trusted(&self, program: &Path) -> bool {
        let mut place = program.to_owned();
        // No link on the way may be in the repository either: it could choose among the machine's programs.
        for _ in 0..MOST_LINKS {
            let Some(folder) = place.parent().and_then(|folder| fs::canonicalize(folder).ok()) else { return false };
            if !self.is_outside(&folder) {
                return false;
            }
            match fs::read_link(&place) {
                Ok(target) => place = folder.join(target),
                Err(_) => return is_executable(&place),
            }
        }
        false
    }

    fn is_outside(&self, place: &Path) -> bool {
        !self.closed.iter().any(|root| place.starts_with(root))
    }
}

fn is_open_to_all(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|about| about.mode() & WORLD_WRITABLE != 0)
}

fn is_executable(program: &Path) -> bool {
    fs::metadata(program).is_ok_and(|about| about.is_file() && about.permissions().mode() & EXECUTABLE != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn program(at: &Path) {
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, "#!/bin/sh\n").unwrap();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn where_a_program_really_is_counts() {
        let world = tempfile::tempdir().unwrap();
        let base = world.path().canonicalize().unwrap();
        let (root, outside) = (base.join("outer/repo"), base.join("tools"));
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::create_dir(base.join("outer/.git")).unwrap();
        program(&root.join("bin/tool"));
        program(&base.join("outer/bin/tool"));
        program(&outside.join("tool"));
        symlink(root.join("bin/tool"), outside.join("linked")).unwrap();
        symlink(root.join("bin"), base.join("way-in")).unwrap();
        symlink(outside.join("tool"), root.join("bin/way-out")).unwrap();
        symlink(root.join("bin/way-out"), outside.join("there-and-back")).unwrap();
        let programs = Programs::outside(&root.join("sub"));
        let programs = Programs { closed: [programs.closed, vec![root.clone()]].concat() };
        let find = |path: PathBuf| programs.find(path.to_str().unwrap());
        assert_eq!(find(outside.join("tool")), Ok(outside.join("tool")));
        for inside in [
            "outer/repo/bin/tool",
            "outer/bin/tool",
            "tools/linked",
            "way-in/tool",
            "outer/repo/bin/way-out",
            "tools/there-and-back",
        ] {
            assert_eq!(find(base.join(inside)), Err(NoProgram::OfRepository(base.join(inside))), "{inside}");
        }
        let around = format!("{}/../../outer/repo/bin/tool", root.display());
        assert!(matches!(programs.find(&around), Err(NoProgram::OfRepository(_))), "{around}");
        assert!(matches!(find(outside.join("none")), Err(NoProgram::Missing(_))));
    }

    #[test]
    fn folders_that_all_may_write_to_are_passed_over() {
        let world = tempfile::tempdir().unwrap();
        assert!(!is_open_to_all(world.path()));
        fs::set_permissions(world.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(is_open_to_all(world.path()));
    }
}
